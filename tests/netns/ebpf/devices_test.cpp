// What devices do to packets: aggregates and checksums that are left to them, VLANs, and devices
// without MAC addresses.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>

#include "bpf/abi/counters.h"
#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

constexpr Port kBulkPort{9000};
constexpr std::size_t kBulkBytes = 16 << 20;

std::uint8_t byte_at(std::size_t offset) {
  return static_cast<std::uint8_t>(offset * 2654435761U >> 13U);
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  SocketAddress(const Ip& ip, Port port) {
    if (ip.is_v4()) {
      auto* in = reinterpret_cast<sockaddr_in*>(&storage);
      in->sin_family = AF_INET;
      in->sin_port = htons(port.host);
      std::memcpy(&in->sin_addr, ip.bytes.data() + 12, 4);
      size = sizeof(*in);
    } else {
      auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
      in6->sin6_family = AF_INET6;
      in6->sin6_port = htons(port.host);
      std::memcpy(&in6->sin6_addr, ip.bytes.data(), 16);
      size = sizeof(*in6);
    }
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Fd stream_socket(const Ip& ip) {
  Fd fd(::socket(ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{20, 0};
  for (const int direction : {SO_RCVTIMEO, SO_SNDTIMEO})
    EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, direction, &patience, sizeof(patience)), 0);
  return fd;
}

using Bytes = std::vector<std::uint8_t>;
struct Peer {
  Ip ip;
  std::uint16_t port;
};

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
void set_word(Bytes& bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}
std::size_t checksum(std::size_t sum, std::span<const std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 ? bytes[i] : static_cast<std::size_t>(bytes[i]) << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/// From the IP header on. `like`: a packet whose hops and identity it has.
Bytes datagram(const Peer& from, const Peer& to, const std::string& data,
               const Bytes* like = nullptr) {
  const bool v4 = from.ip.is_v4();
  Bytes udp(8);
  set_word(udp, 0, from.port);
  set_word(udp, 2, to.port);
  set_word(udp, 4, 8 + data.size());
  udp.insert(udp.end(), data.begin(), data.end());
  const auto address = [v4](const Ip& ip) {
    return Bytes(ip.bytes.begin() + (v4 ? 12 : 0), ip.bytes.end());
  };
  Bytes addresses = address(from.ip);
  append(addresses, address(to.ip));
  const std::size_t pseudo = 17 + udp.size() + (~checksum(0, addresses) & 0xffff);
  set_word(udp, 6, checksum(pseudo, udp));
  Bytes packet(v4 ? 12 : 8);
  packet[0] = v4 ? 0x45 : 0x60;
  packet[v4 ? 9 : 6] = 17;
  packet[v4 ? 8 : 7] = 64;
  if (like && v4) std::copy_n(like->begin() + 4, 5, packet.begin() + 4);
  if (like && !v4) {
    std::copy_n(like->begin(), 4, packet.begin());
    packet[7] = (*like)[7];
  }
  set_word(packet, v4 ? 2 : 4, v4 ? 20 + udp.size() : udp.size());
  append(packet, addresses);
  if (v4) set_word(packet, 10, checksum(0, packet));
  append(packet, udp);
  return packet;
}

std::string hex(const Bytes& bytes) { return fmt::format("{:02x}", fmt::join(bytes, " ")); }

/// The next packet to `to`, of what the device sends; empty: none comes.
Bytes read_packet(int tun, const Ip& to) {
  pollfd ready{tun, POLLIN, 0};
  while (::poll(&ready, 1, 5000) == 1) {
    Bytes packet(65536);
    const ssize_t got = ::read(tun, packet.data(), packet.size());
    if (got < 20) continue;
    packet.resize(static_cast<std::size_t>(got));
    const std::size_t at = to.is_v4() ? 16 : 24;
    const std::span<const std::uint8_t> wanted(to.bytes.data() + (to.is_v4() ? 12 : 0),
                                               to.is_v4() ? 4 : 16);
    if (packet[0] >> 4 == (to.is_v4() ? 4 : 6) && packet.size() >= at + wanted.size() &&
        std::equal(wanted.begin(), wanted.end(), packet.begin() + static_cast<std::ptrdiff_t>(at)))
      return packet;
  }
  return {};
}

Bytes mac_of(const Namespace& where, const std::string& link) {
  std::array<unsigned, 6> mac{};
  const std::string text = where.output_of("cat /sys/class/net/" + link + "/address");
  EXPECT_EQ(std::sscanf(text.c_str(), "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3],
                        &mac[4], &mac[5]),
            6);
  return {mac.begin(), mac.end()};
}

template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// All bytes of the pattern; how many went before one was wrong or the peer gave up.
std::size_t receive_pattern(int fd) {
  std::vector<std::uint8_t> buffer(1 << 18);
  std::size_t have = 0;
  while (have < kBulkBytes) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return have;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i)
      if (buffer[i] != byte_at(have + i)) return have + i;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

void send_pattern(int fd) {
  std::vector<std::uint8_t> bytes(kBulkBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(i);
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t now = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) return;
    sent += static_cast<std::size_t>(now);
  }
}

/// Takes the pattern of one connection, then sends it back.
class BulkServer {
 public:
  BulkServer(const Namespace& where, const Ip& ip) {
    where.run([&] {
      listener_ = stream_socket(ip);
      const int yes = 1;
      ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
      SocketAddress address(ip, kBulkPort);
      ASSERT_EQ(::bind(listener_.get(), address.get(), address.size), 0) << std::strerror(errno);
      ASSERT_EQ(::listen(listener_.get(), 1), 0);
    });
    thread_ = std::jthread([this] {
      const Fd peer(::accept(listener_.get(), nullptr, nullptr));
      if (!peer) return;
      received_ = receive_pattern(peer.get());
      if (received_ == kBulkBytes) send_pattern(peer.get());
    });
  }
  [[nodiscard]] std::size_t received() {
    thread_.join();
    return received_;
  }

 private:
  Fd listener_;
  std::size_t received_ = 0;
  std::jthread thread_;
};

class Devices : public ClusterTest, public testing::WithParamInterface<Family> {
 protected:
  Devices() : ClusterTest(DatapathKind::kEbpf) {}
  const Family family = GetParam();
  const Addresses at = addresses_of(GetParam());

  /// Errors of checksums that receivers in the namespace have counted.
  static std::uint64_t checksum_errors(const Namespace& where) {
    const std::string text = where.output_of(
        "nstat -asz TcpInCsumErrors UdpInCsumErrors Udp6InCsumErrors Icmp6InCsumErrors "
        "IcmpInCsumErrors IpExtInCsumErrors | awk '$1 !~ /^#/ {n += $2} END {print n + 0}'");
    return std::stoull(text);
  }
  static std::uint64_t errors_everywhere() {
    std::uint64_t errors = 0;
    for (const Namespace* where :
         {&world->node, &world->pod1, &world->pod2, &world->far, &world->ext})
      errors += checksum_errors(*where);
    return errors;
  }
  /// By the programs, of all CPUs.
  static std::uint64_t flows_created() {
    std::uint64_t sum = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(world->bpffs->path() + "/fairlead"))
      if (const Fd map(::bpf_obj_get((entry.path() / "maps/counters").c_str())); map) {
        std::vector<std::uint64_t> values(static_cast<std::size_t>(::libbpf_num_possible_cpus()));
        const std::uint32_t which = FL_COUNT_FLOWS_CREATED;
        EXPECT_EQ(::bpf_map_lookup_elem(map.get(), &which, values.data()), 0);
        for (const std::uint64_t value : values) sum += value;
      }
    return sum;
  }
  static std::uint64_t figure(const Namespace& where, const std::string& name) {
    return std::stoull(where.output_of("cat /sys/class/net/eth0/statistics/" + name));
  }

  /// A lot of data to and from a backend, unharmed, in aggregates.
  void expect_bulk(const Namespace& client, const Ip& to, Port port, std::string_view pod) {
    const Namespace& there = pod == "pod2" ? world->pod2 : world->far;
    Backend wanted = backend(pod, family);
    wanted.port = kBulkPort;
    BulkServer server(there, wanted.address);
    resync(plan_of(settings(),
                   {service("bulk", Protocol::kTcp, family,
                            {cluster_ip(at.service, 80), node_port(family, 30080)}, {wanted})}));
    const std::uint64_t errors = errors_everywhere();
    const std::uint64_t bytes = figure(client, "tx_bytes"), packets = figure(client, "tx_packets");
    Fd socket;
    client.run([&] { socket = stream_socket(to); });
    SocketAddress address(to, port);
    ASSERT_EQ(::connect(socket.get(), address.get(), address.size), 0) << std::strerror(errno);
    send_pattern(socket.get());
    EXPECT_EQ(receive_pattern(socket.get()), kBulkBytes);
    EXPECT_EQ(server.received(), kBulkBytes);
    EXPECT_EQ(errors_everywhere(), errors);
    const std::uint64_t mean = (figure(client, "tx_bytes") - bytes) /
                               std::max<std::uint64_t>(1, figure(client, "tx_packets") - packets);
    EXPECT_GT(mean, 3000U) << "nothing was aggregated: the test tests nothing";
  }
};
INSTANTIATE_TEST_SUITE_P(, Devices, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& i) { return i.param == Family::kIpv4 ? "v4" : "v6"; });

TEST_P(Devices, BulkFromAPodOutsideOfTheCgroupToAClusterIpArrivesUnharmed) {
  for (const char* pod : {"pod2", "far"}) {
    SCOPED_TRACE(pod);
    expect_bulk(world->pod1, at.service, {80}, pod);
  }
}

TEST_P(Devices, BulkFromOutsideThroughANodePortArrivesUnharmed) {
  for (const char* pod : {"pod2", "far"}) {
    SCOPED_TRACE(pod);
    expect_bulk(world->ext, at.node, {30080}, pod);
  }
}

TEST_P(Devices, DatagramsWithChecksumsLeftToTheDeviceArrive) {
  resync(plan_of(settings(), {service("udp", Protocol::kUdp, family,
                                      {cluster_ip(at.service, 80), node_port(family, 30080)},
                                      {backend("far", family)})}));
  const std::uint64_t errors = errors_everywhere();
  EXPECT_EQ(ask(world->pod1, {.protocol = Protocol::kUdp, .to = at.service, .port = {80}}).server,
            "far");
  EXPECT_EQ(ask(world->ext, {.protocol = Protocol::kUdp, .to = at.node, .port = {30080}}).server,
            "far");
  EXPECT_EQ(errors_everywhere(), errors);
}

TEST_P(Devices, FramesOfAVlanAreLeftToTheVlansOwnLink) {
  resync(plan_of(settings(), {service("web", Protocol::kUdp, family, {node_port(family, 30080)},
                                      {backend("far", family)})}));
  Fd raw;
  world->ext.run([&] { raw = Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); });
  ASSERT_TRUE(raw);
  const auto begin_of = [&](bool tagged) {
    Bytes frame = mac_of(world->node, "wire");
    append(frame, mac_of(world->ext, "eth0"));
    if (tagged) append(frame, {0x81, 0, 0, 5});
    append(frame, family == Family::kIpv4 ? Bytes{0x08, 0} : Bytes{0x86, 0xdd});
    return frame;
  };
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  world->ext.run([&] { to.sll_ifindex = static_cast<int>(::if_nametoindex("eth0")); });
  const auto send_frame = [&](bool tagged, std::uint16_t port) {
    Bytes frame = begin_of(tagged);
    append(frame, datagram({at.ext, port}, {at.node, 30080}, "question"));
    EXPECT_EQ(::sendto(raw.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
                       sizeof(to)),
              static_cast<ssize_t>(frame.size()))
        << std::strerror(errno);
  };
  const std::uint64_t before = flows_created();
  send_frame(true, 4001);
  send_frame(false, 4002);  // comes after the first
  EXPECT_TRUE(eventually([&] { return flows_created() > before; }));
  EXPECT_EQ(flows_created(), before + 1);
}

/// A device whose frames begin with the IP header, held by the test: what is written comes in by
/// it.
TEST_P(Devices, PacketsOfADeviceWithoutMacAddressesReachABackendAndAnswersComeBack) {
  Fd tun;
  world->node.run([&] {
    tun = Fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    ASSERT_TRUE(tun) << std::strerror(errno);
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strcpy(request.ifr_name, "tun0");
    ASSERT_EQ(::ioctl(tun.get(), TUNSETIFF, &request), 0) << std::strerror(errno);
  });
  const bool v4 = family == Family::kIpv4;
  const Ip client = parse_ip(v4 ? "198.18.9.7" : "fd18:9::7").value();
  world->node.ip("link set tun0 up");
  world->node.ip("route add " + to_string(client) + " dev tun0");
  for (const char* pod : {"pod1", "far"}) {
    SCOPED_TRACE(pod);
    resync(plan_of(settings(), {service("web", Protocol::kUdp, family,
                                        {load_balancer(at.balancer, 80)}, {backend(pod, family)}),
                                service("tcp", Protocol::kTcp, family, {cluster_ip(at.service, 80)},
                                        {backend(pod, family)})}));
    const auto port = static_cast<std::uint16_t>(5000 + pod[0]);
    const Bytes question = datagram({client, port}, {at.balancer, 80}, "question");
    ASSERT_EQ(::write(tun.get(), question.data(), question.size()),
              static_cast<ssize_t>(question.size()));
    const Bytes answer = read_packet(tun.get(), client);
    ASSERT_FALSE(answer.empty()) << "no answer";
    const std::size_t header = v4 ? 20 : 40;
    const std::string text(answer.begin() + static_cast<std::ptrdiff_t>(header) + 8, answer.end());
    EXPECT_THAT(text, testing::StartsWith(pod));
    EXPECT_EQ(hex(answer), hex(datagram({at.balancer, 80}, {client, port}, text, &answer)));
  }
  // A port of nobody: refused, from the address that was asked.
  const Bytes refused = datagram({client, 5999}, {at.service, 99}, "question");
  ASSERT_EQ(::write(tun.get(), refused.data(), refused.size()),
            static_cast<ssize_t>(refused.size()));
  const Bytes error = read_packet(tun.get(), client);
  const std::size_t header = v4 ? 20 : 40;
  ASSERT_GE(error.size(), header + 8 + refused.size() - 3);
  EXPECT_EQ(error[v4 ? 9 : 6], v4 ? 1 : 58);
  EXPECT_EQ(error[header], v4 ? 3 : 1) << "destination unreachable";
  EXPECT_EQ(error[header + 1], v4 ? 3 : 4) << "port unreachable";
  const Bytes quoted(error.begin() + static_cast<std::ptrdiff_t>(header) + 8, error.end());
  EXPECT_EQ(hex(quoted),
            hex({refused.begin(), refused.begin() + static_cast<std::ptrdiff_t>(quoted.size())}));
}

}  // namespace
}  // namespace fairlead::test
