// The least that an ADD of a pod's link can cost: a static program that takes a lock, writes the
// address into a file, and asks the kernel for a veth pair with one address and its routes. It
// reads no configuration, answers nothing, and keeps nothing right later.
//
//   CNI_COMMAND=ADD|DEL CNI_CONTAINERID=bench-R-I CNI_NETNS=PATH cni_floor DIRECTORY
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[4096];
static struct nlmsghdr* message;

static void fail(const char* doing) {
  dprintf(2, "cni_floor: %s: %s\n", doing, strerror(errno));
  exit(1);
}

static void* put(size_t bytes) {
  void* at = buffer + NLMSG_ALIGN(message->nlmsg_len);
  message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + bytes;
  return at;
}
static void* start(int type, int flags, size_t header) {
  memset(buffer, 0, sizeof(buffer));
  message = (struct nlmsghdr*)buffer;
  message->nlmsg_len = NLMSG_HDRLEN;
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  return put(header);
}
static struct rtattr* put_attribute(int type, const void* data, size_t bytes) {
  struct rtattr* attribute = put(RTA_LENGTH(bytes));
  attribute->rta_type = type;
  attribute->rta_len = RTA_LENGTH(bytes);
  if (bytes != 0) memcpy(RTA_DATA(attribute), data, bytes);
  return attribute;
}
static void end(struct rtattr* nest) { nest->rta_len = buffer + message->nlmsg_len - (char*)nest; }

static int open_netlink(void) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) fail("netlink");
  return fd;
}
static void ask(int fd, const char* doing) {
  char answer[4096];
  if (send(fd, buffer, message->nlmsg_len, 0) < 0) fail(doing);
  if (recv(fd, answer, sizeof(answer), 0) < 0) fail(doing);
  const struct nlmsghdr* reply = (const struct nlmsghdr*)answer;
  const struct nlmsgerr* error = NLMSG_DATA(reply);
  if (reply->nlmsg_type == NLMSG_ERROR && error->error != 0) {
    errno = -error->error;
    fail(doing);
  }
}

static void make_pair(int fd, const char* name, int netns) {
  start(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
  put_attribute(IFLA_IFNAME, name, strlen(name) + 1);
  struct rtattr* info = put_attribute(IFLA_LINKINFO, NULL, 0);
  put_attribute(IFLA_INFO_KIND, "veth", 5);
  struct rtattr* data = put_attribute(IFLA_INFO_DATA, NULL, 0);
  struct rtattr* peer = put_attribute(VETH_INFO_PEER, NULL, 0);
  put(sizeof(struct ifinfomsg));
  put_attribute(IFLA_IFNAME, "eth0", 5);
  put_attribute(IFLA_NET_NS_FD, &netns, sizeof(netns));
  end(peer);
  end(data);
  end(info);
  ask(fd, "make the pair");
}
static void set_up(int fd, int index) {
  struct ifinfomsg* link = start(RTM_NEWLINK, 0, sizeof(*link));
  link->ifi_index = index;
  link->ifi_flags = link->ifi_change = IFF_UP;
  ask(fd, "set a link up");
}
static void add_address(int fd, int index, in_addr_t address) {
  struct ifaddrmsg* header = start(RTM_NEWADDR, NLM_F_CREATE, sizeof(*header));
  header->ifa_family = AF_INET;
  header->ifa_prefixlen = 32;
  header->ifa_index = index;
  put_attribute(IFA_LOCAL, &address, sizeof(address));
  ask(fd, "add an address");
}
static void add_route(int fd, int index, in_addr_t to, int length, in_addr_t via) {
  struct rtmsg* route = start(RTM_NEWROUTE, NLM_F_CREATE, sizeof(*route));
  route->rtm_family = AF_INET;
  route->rtm_dst_len = length;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = via == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  route->rtm_type = RTN_UNICAST;
  put_attribute(RTA_DST, &to, sizeof(to));
  if (via != 0) put_attribute(RTA_GATEWAY, &via, sizeof(via));
  put_attribute(RTA_OIF, &index, sizeof(index));
  ask(fd, "add a route");
}

static void take_address(const char* directory, const char* container, in_addr_t address) {
  char path[256];
  snprintf(path, sizeof(path), "%s/lock", directory);
  const int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) fail("lock");
  snprintf(path, sizeof(path), "%s/%08x", directory, ntohl(address));
  const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 || write(file, container, strlen(container)) < 0) fail("write the address");
  close(file);
  close(lock);
}

int main(int count, char** words) {
  const char *command = getenv("CNI_COMMAND"), *container = getenv("CNI_CONTAINERID"),
             *path = getenv("CNI_NETNS");
  unsigned round = 0, pod = 0;
  if (count != 2 || !command || !container || !path ||
      sscanf(container, "bench-%u-%u", &round, &pod) != 2)
    fail("usage");
  const in_addr_t address = htonl(0x0ac90000 + round % 200 * 256 + pod + 1);
  char name[IFNAMSIZ];
  snprintf(name, sizeof(name), "fb%u.%u", round % 1000, pod);
  const int node = open_netlink();
  if (strcmp(command, "DEL") == 0) {
    struct ifinfomsg* link = start(RTM_DELLINK, 0, sizeof(*link));
    link->ifi_index = if_nametoindex(name);
    ask(node, "delete the pair");
    char file[256];
    snprintf(file, sizeof(file), "%s/%08x", words[1], ntohl(address));
    return unlink(file) == 0 ? 0 : 1;
  }
  take_address(words[1], container, address);
  const int netns = open(path, O_RDONLY | O_CLOEXEC);
  if (netns < 0) fail("open the network namespace");
  make_pair(node, name, netns);
  const int host = if_nametoindex(name);
  set_up(node, host);
  add_route(node, host, address, 32, 0);
  if (setns(netns, CLONE_NEWNET) != 0) fail("enter the network namespace");
  const int inside = open_netlink();
  const int eth0 = if_nametoindex("eth0");
  const in_addr_t gateway = htonl(0xa9fe0101);
  set_up(inside, eth0);
  add_address(inside, eth0, address);
  add_route(inside, eth0, gateway, 32, 0);
  add_route(inside, eth0, 0, 0, gateway);
  return 0;
}
