// open, setns, and rtnetlink by hand: one link asked for, one removed.
#include "cni-plugin/pod_namespace.hpp"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

namespace fairlead::cni {
namespace {

bool is_own(int netns) {
  struct stat given {
  }, own{};
  return ::fstat(netns, &given) == 0 && ::stat("/proc/self/ns/net", &own) == 0 &&
         given.st_dev == own.st_dev && given.st_ino == own.st_ino;
}

struct LinkRequest {
  nlmsghdr header{};
  ifinfomsg link{};
  rtattr attribute{};
  std::array<char, 16> name{};
};
static_assert(sizeof(LinkRequest) == 52, "the attribute follows the link without a gap");

LinkRequest link_request(std::uint16_t type, std::uint16_t flags) {
  LinkRequest request;
  request.header.nlmsg_len = offsetof(LinkRequest, attribute);
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  return request;
}

/// The kernel answers rtnetlink before send returns, so there is nothing to wait for.
ssize_t exchange(int socket, const LinkRequest& request, std::span<char> answer) {
  if (::send(socket, &request, request.header.nlmsg_len, 0) < 0) return -1;
  return ::recv(socket, answer.data(), answer.size(), MSG_DONTWAIT);
}

/// The attribute's content; empty: not among them.
std::string_view find_attribute(std::string_view attributes, std::uint16_t type) {
  rtattr attribute{};
  while (attributes.size() >= sizeof attribute) {
    std::memcpy(&attribute, attributes.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > attributes.size()) break;
    if (attribute.rta_type == type) {
      return attributes.substr(sizeof attribute, attribute.rta_len - sizeof attribute);
    }
    attributes.remove_prefix(
        std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), attributes.size()));
  }
  return {};
}

/// The index of the interface if it is of kind veth.
std::optional<int> find_veth(int socket, const std::string& name) {
  LinkRequest request = link_request(RTM_GETLINK, 0);
  request.attribute.rta_type = IFLA_IFNAME;
  request.attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(name.size() + 1));
  name.copy(request.name.data(), request.name.size() - 1);
  request.header.nlmsg_len += RTA_ALIGN(request.attribute.rta_len);
  std::array<char, 8192> answer{};
  const ssize_t size = exchange(socket, request, answer);
  nlmsghdr header{};
  ifinfomsg link{};
  constexpr std::size_t kHeaders = sizeof header + sizeof link;
  if (size < static_cast<ssize_t>(kHeaders)) return std::nullopt;
  std::memcpy(&header, answer.data(), sizeof header);
  std::memcpy(&link, answer.data() + sizeof header, sizeof link);
  if (header.nlmsg_type != RTM_NEWLINK) return std::nullopt;
  const std::string_view attributes(answer.data() + kHeaders,
                                    static_cast<std::size_t>(size) - kHeaders);
  const std::string_view kind =
      find_attribute(find_attribute(attributes, IFLA_LINKINFO), IFLA_INFO_KIND);
  return kind.starts_with("veth") ? std::optional(link.ifi_index) : std::nullopt;
}

void remove_link(int socket, int index) {
  LinkRequest request = link_request(RTM_DELLINK, NLM_F_ACK);
  request.link.ifi_index = index;
  std::array<char, 256> answer{};
  exchange(socket, request, answer);
}

}  // namespace

Result<int> open_pod_namespace(const std::string& path) {
  const int netns = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (netns < 0) return system_error(errno, "open CNI_NETNS " + path);
  if (::ioctl(netns, NS_GET_NSTYPE) != CLONE_NEWNET) {
    ::close(netns);
    return invalid("CNI_NETNS " + path + " is not a network namespace");
  }
  if (is_own(netns)) {
    ::close(netns);
    return invalid("CNI_NETNS " + path + " is the node's own network namespace");
  }
  return netns;
}

std::uint64_t clear_pod_namespace(int netns, const std::string& interface) {
  if (::setns(netns, CLONE_NEWNET) != 0) return 0;
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) return 0;
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0) cookie = 0;
  if (const auto veth = find_veth(socket, interface)) remove_link(socket, *veth);
  ::close(socket);
  return cookie;
}

}  // namespace fairlead::cni
