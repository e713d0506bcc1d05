// peers dial -> sessions up -> what is measured -> figures. One thread polls all of them.
#include "bench/routers/exercise.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <functional>

#include "dataplane/bgp/encode.hpp"

namespace fairlead::bench {
namespace {

using Clock = WirePeer::Clock;
constexpr std::chrono::seconds kLimit{120};  // nothing that works takes as long
constexpr std::chrono::seconds kStart{10};   // until a router that was started opens a session
constexpr unsigned kAttributeSets = 300;

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

/// Of its one thread; the first field of schedstat is nanoseconds on a CPU.
double cpu_seconds(int pid) {
  std::ifstream file(fmt::format("/proc/{}/schedstat", pid));
  std::uint64_t nanoseconds = 0;
  file >> nanoseconds;
  return static_cast<double>(nanoseconds) / 1e9;
}

double peak_mib(int pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

class Peers {
 public:
  explicit Peers(const UnderTest& router) : router_(router) {}

  /// Its session is up. A router that has just been started refuses for a while.
  Result<> join(unsigned index, bgp::AsNumber as, std::chrono::seconds hold_time) {
    TRY(const Ip router, parse_ip(kRouterAddress));
    const PeerEnds ends{.own = peer_address(index),
                        .router = router,
                        .port = kRouterPort,
                        .as = as,
                        .router_as = kRouterAs,
                        .hold_time = hold_time};
    const auto began = Clock::now();
    while (true) {
      auto peer = established(ends);
      if (!peer && Clock::now() - began < kStart) {
        ::poll(nullptr, 0, 20);
        continue;
      }
      if (!peer) return tl::unexpected(peer.error());
      peers_.push_back(*std::move(peer));
      return {};
    }
  }
  WirePeer& operator[](std::size_t index) { return peers_[index]; }
  Result<> run_until(const std::function<bool()>& is_done) {
    const auto began = Clock::now();
    while (!is_done()) {
      if (Clock::now() - began > kLimit) return invalid("the router did not get there in time");
      TRY_VOID(turn());
    }
    return {};
  }

 private:
  static Result<WirePeer> established(const PeerEnds& ends) {
    TRY(WirePeer peer, WirePeer::dial(ends));
    const auto began = Clock::now();
    while (!peer.is_established()) {
      if (Clock::now() - began > kStart) return invalid("the router does not open the session");
      TRY_VOID(peer.turn(Clock::now()));
      pollfd waited{peer.fd(), POLLIN, 0};
      if (!peer.is_established()) ::poll(&waited, 1, 100);
    }
    return peer;
  }
  Result<> turn() {
    std::vector<pollfd> waited;
    for (const WirePeer& peer : peers_) {
      const int events = POLLIN | (peer.has_more_to_send() ? POLLOUT : 0);
      waited.push_back({peer.fd(), static_cast<short>(events), 0});
    }
    if (router_.control >= 0) waited.push_back({router_.control, POLLIN, 0});
    if (::poll(waited.data(), waited.size(), 100) < 0 && errno != EINTR)
      return system_error(errno, "wait for the router");
    drain_control();
    const auto now = Clock::now();
    for (WirePeer& peer : peers_) TRY_VOID(peer.turn(now));
    return {};
  }
  void drain_control() const {
    std::array<char, 65536> dropped;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    while (router_.control >= 0 &&
           ::recv(router_.control, dropped.data(), dropped.size(), MSG_DONTWAIT) > 0) {
    }
  }

  const UnderTest& router_;
  std::vector<WirePeer> peers_;
};

bgp::Prefix prefix_of(unsigned number) {
  const std::uint32_t base = 0x14000000 + (number << 8);  // 20.0.0.0/24 and on
  return {ip_from_v4({static_cast<std::uint8_t>(base >> 24), static_cast<std::uint8_t>(base >> 16),
                      static_cast<std::uint8_t>(base >> 8), 0}),
          24};
}

bgp::PathAttributes attributes_of(unsigned set) {
  bgp::PathAttributes attributes;
  attributes.next_hop.address = peer_address(0);
  for (unsigned hop = 1 + set % 5; hop > 0; --hop)
    attributes.as_path.prepend({70000 + set * 8 + hop});
  attributes.as_path.prepend(kFeederAs);
  attributes.communities = {{0xfde90000 + set}};
  return attributes;
}

Result<bgp::Bytes> announcement(unsigned prefixes, const bgp::Negotiated& negotiated) {
  bgp::Bytes bytes;
  for (unsigned set = 0; set < kAttributeSets; ++set) {
    std::vector<bgp::Prefix> share;
    for (unsigned number = set; number < prefixes; number += kAttributeSets)
      share.push_back(prefix_of(number));
    TRY_VOID(bgp::encode_announcement(Family::kIpv4, attributes_of(set), share, negotiated, bytes));
  }
  bgp::encode_end_of_rib(Family::kIpv4, bytes);
  return bytes;
}

}  // namespace

Ip peer_address(unsigned index) {
  return ip_from_v4({10, 99, static_cast<std::uint8_t>(1 + index / 200),
                     static_cast<std::uint8_t>(1 + index % 200)});
}

Result<TableFigures> fill_table(const UnderTest& router, unsigned prefixes, unsigned withdrawals) {
  Peers peers(router);
  TRY_VOID(peers.join(0, kFeederAs, std::chrono::seconds(240)));
  TRY_VOID(peers.join(1, kSinkAs, std::chrono::seconds(240)));
  WirePeer &feeder = peers[0], &sink = peers[1];
  TRY(const bgp::Bytes bytes, announcement(prefixes, feeder.negotiated()));
  TableFigures figures;
  const double cpu_before = cpu_seconds(router.pid);
  auto began = Clock::now();
  feeder.queue(bytes);
  TRY_VOID(peers.run_until([&] { return sink.announced() >= prefixes; }));
  figures.seconds = seconds_since(began);
  figures.cpu_seconds = cpu_seconds(router.pid) - cpu_before;
  figures.peak_mib = peak_mib(router.pid);
  for (unsigned i = 0; i < withdrawals; ++i) {
    const std::array gone{prefix_of(i * 7)};
    bgp::Bytes word;
    bgp::encode_withdrawal(Family::kIpv4, gone, word);
    const std::size_t before = sink.withdrawn();
    began = Clock::now();
    feeder.queue(word);
    TRY_VOID(peers.run_until([&] { return sink.withdrawn() > before; }));
    figures.withdraw_ms.push_back(seconds_since(began) * 1000);
  }
  return figures;
}

Result<RestFigures> rest(const UnderTest& router, unsigned count, double seconds) {
  Peers peers(router);
  for (unsigned i = 0; i < count; ++i) TRY_VOID(peers.join(i, kRouterAs, std::chrono::seconds(9)));
  for (unsigned i = 0; i < count; ++i) {
    bgp::PathAttributes attributes;
    attributes.next_hop.address = peer_address(i);
    attributes.local_preference = 100;
    const std::array own{prefix_of(i)};
    bgp::Bytes bytes;
    TRY_VOID(
        bgp::encode_announcement(Family::kIpv4, attributes, own, peers[i].negotiated(), bytes));
    bgp::encode_end_of_rib(Family::kIpv4, bytes);
    peers[i].queue(bytes);
  }
  const auto lasts = [&](double time) {
    return [began = Clock::now(), time] { return seconds_since(began) >= time; };
  };
  TRY_VOID(peers.run_until(lasts(1)));  // what was just said is settled
  const double before = cpu_seconds(router.pid);
  const auto began = Clock::now();
  TRY_VOID(peers.run_until(lasts(seconds)));
  return RestFigures{.cpu_percent = (cpu_seconds(router.pid) - before) / seconds_since(began) * 100,
                     .peak_mib = peak_mib(router.pid)};
}

}  // namespace fairlead::bench
