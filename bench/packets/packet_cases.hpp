// What packets.cpp measures: which packets (cases), through which programs (places), and what
// one run of one of them takes.
//
//   flows opened by SYN, SYN-ACK and ACK -> packets of a case -> nanoseconds and a proof
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/packets/katran.hpp"
#include "bench/packets/own_balancer.hpp"
#include "bench/packets/replay.hpp"
#include "bench/packets/strawman.hpp"

namespace fairlead::bench {

enum class Packets : std::uint8_t {
  kForeign,
  kForeignInTurn,
  kHot,
  kInTurn,
  kShuffled,
  kReply,
  kReplyInTurn,
  kNew
};

/// Sixteen rounds of all flows: that a flow asks for its route once a second is then felt as it is
/// on a busy node, and not in half of all packets.
inline constexpr std::uint32_t kInTurnTimes = 16 * REPLAY_VARIANTS;

struct Case {
  const char* name;
  Packets packets;
  std::uint32_t times;  // 0: as many as there are flows
};
/// In turn: in the order in which the flows began. A table that takes its entries from a list of
/// free ones has them in that order in memory, so the CPU fetches them ahead of their packets.
/// Shuffled: in an order that has nothing to do with it, as the packets of many clients come.
inline constexpr std::array kCases{
    Case{"not ours, one", Packets::kForeign, 1U << 17},
    Case{"not ours, many in turn", Packets::kForeignInTurn, kInTurnTimes},
    Case{"established, one flow", Packets::kHot, 1U << 17},
    Case{"established, many in turn", Packets::kInTurn, kInTurnTimes},
    Case{"established, many shuffled", Packets::kShuffled, kInTurnTimes},
    Case{"reply, one flow", Packets::kReply, 1U << 17},
    Case{"reply, many in turn", Packets::kReplyInTurn, kInTurnTimes},
    Case{"new flow", Packets::kNew, 0},
};

/// Programs of bench/primitives.h.
struct Primitive {
  const char *name, *program;
};
inline constexpr std::array kPrimitives{
    Primitive{"one of 65,536 lines of 32 MiB", "line_xdp"},
    Primitive{"a hash look-up, hot", "hash_xdp"},
    Primitive{"the same and bpf_fib_lookup", "route_xdp"},
};

/// katran's table of flows has 1,000,000 entries, its default with eight CPUs, or 100,000.
enum class Who : std::uint8_t { kOwn, kStrawman, kKatran, kSmallKatran, kFullKatran };
inline constexpr std::size_t kWhoCount = 5;

struct Place {
  const char* name;
  Who who;
  Hook hook;
  Family family;
};
inline constexpr std::array kPlaces{
    Place{"XDP, IPv4", Who::kOwn, Hook::kXdp, Family::kIpv4},
    Place{"XDP, IPv6", Who::kOwn, Hook::kXdp, Family::kIpv6},
    Place{"tc ingress, IPv4", Who::kOwn, Hook::kTc, Family::kIpv4},
    Place{"tc ingress, IPv6", Who::kOwn, Hook::kTc, Family::kIpv6},
    Place{"strawman, XDP, IPv4", Who::kStrawman, Hook::kXdp, Family::kIpv4},
    Place{"katran, XDP, IPv4", Who::kKatran, Hook::kXdpUnwrapped, Family::kIpv4},
    Place{"katran, 100,000 entries", Who::kSmallKatran, Hook::kXdpUnwrapped, Family::kIpv4},
    Place{"katran, table full", Who::kFullKatran, Hook::kXdpUnwrapped, Family::kIpv4}};

constexpr bool is_katran(const Place& place) { return place.hook == Hook::kXdpUnwrapped; }
/// No reply passes katran.
constexpr bool applies(const Place& place, const Case& one) {
  return !is_katran(place) ||
         (one.packets != Packets::kReply && one.packets != Packets::kReplyInTurn);
}

/// Flows of one family, as their packets arrive.
struct Flows {
  std::vector<Tuple> requests, replies, foreign;
};

class Measurement {
 public:
  /// `katran` is its object's file, or empty.
  Measurement(int wire, std::uint32_t services, const std::string& directory,
              const std::string& katran);

  /// Nanoseconds a packet with nothing subtracted, and of the empty program.
  std::pair<double, double> measure(const Place& place, const Case& one);
  /// As measure(), with the packets of the strawman's flows.
  std::pair<double, double> measure(const Primitive& primitive);

 private:
  Balancer& balancer(Who who);
  Flows& flows(Who who, Family family);
  void prove(const Place& place, const Case& one, const Work& before, std::uint32_t verdict);
  Run run(const Place& place, const Case& one, int program);
  double empty_run(const Place& place, const Case& one);
  void open_flows(Who who, Family family);
  void open_wrapped_flows(Who who);
  Passed pass(Who who, const Tuple& tuple, std::uint8_t flags);

  Replay replay_;
  OwnBalancer own_;
  Strawman strawman_;
  std::optional<Katran> katran_, small_katran_, full_katran_;
  std::array<std::array<Flows, 2>, kWhoCount> flows_;  // by Who and Family
};

}  // namespace fairlead::bench
