// The layout of table `inet fairlead`. Nothing in it is made for a Service but set elements; chains
// and rules are constant, but for one small chain for each number of backends in use.
//
//   prerouting, output --> services4: frontends4[daddr . proto . dport] = handle
//                                     services[handle >> 3] = number of backends .
//                                     affinity draw4[that] -> chain draw4-N
//   draw4-N:               backends4[handle >> 12 . random mod N] = where to, DNAT
//   by-scope4:             for Services that treat pods, the node and the outside differently:
//   internal, host and external
//                          in place of services
//   postrouting:           frontends4[the client's original destination], its masquerade bits ->
//   masquerade
//
// All of it is in nat chains, which see the first packet of a connection only: no rule runs for any
// other packet. No packet mark is used. IPv4 and IPv6 have sets of their own, of the same shape;
// what has no address in it is shared.
//
// A handle, 32 bits:  31..12 Service port, 9..4 what each scope gets, 3 source ranges, 2..0
// masquerade. The slots of a Service port's backends are numbered from 0, those of its local
// backends from 2^31.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/kernel/nft_objects.hpp"
#include "model/ip.hpp"
#include "model/plan.hpp"

namespace fairlead::nftables {

/// Sets of which the elements are ours alone. Sorted as they are written.
enum class SetId : std::uint8_t {
  kFrontends4,  // address . protocol . port : handle
  kFrontends6,
  kNodePorts4,  // protocol . port : handle
  kNodePorts6,
  kServices,  // handle without masquerade bits : Choice
  kInternal,  // the same for one scope
  kHost,
  kExternal,
  kBackends4,  // group . slot : address . port
  kBackends6,
  kMembers4,  // handle >> 12 . address . port, where there is affinity: who may still be remembered
  kMembers6,
  kLocalMembers4,  // the same of the local backends
  kLocalMembers6,
  kRanges4,  // address . protocol . port . range of sources
  kRanges6,
  kHairpin4,  // address . address of each local backend
  kHairpin6,
  kClusterIps4,  // address
  kClusterIps6,
  kNodeAddresses4,  // address, where NodePorts are open
  kNodeAddresses6,
};
inline constexpr std::size_t kSetCount = 22;

/// One element of one of these sets. Unused bytes are zero. Bytes as in the kernel: addresses and
/// ports in network byte order, marks in the host's.
struct Element {
  SetId set{};
  std::uint8_t prefix =
      0;  // of the last field where it is a range: its length, of the family's own address
  std::array<std::uint8_t, 40> key{};
  std::array<std::uint8_t, 20> data{};
  auto operator<=>(const Element&) const = default;
};

inline constexpr std::uint32_t kRangesBit = 0x8;
inline constexpr std::uint32_t kServiceShift = 3;  // what remains is the key of services
inline constexpr std::uint32_t kScopeShift = 4;    // two bits a Scope
inline constexpr std::uint32_t kIdShift = 12;
inline constexpr std::uint32_t kIdLimit = 1U << 20;  // ids are 1 to this
inline constexpr std::uint32_t kLocalSlots = 1U << 31;

/// What services, internal, host and external say.
struct Choice {
  std::uint32_t seconds = 0;  // of affinity
  std::uint32_t draw = 0;     // how many backends to draw from, or one of the special cases; key of
                              // the maps of verdicts
  auto operator<=>(const Choice&) const = default;
};
inline constexpr Choice kRejectChoice{0, 0x20000000};
inline constexpr Choice kDropChoice{0, 0x20000001};
inline constexpr Choice kByScopeChoice{0, 0x20000002};
inline constexpr Choice kRangesChoice{0, 0x20000003};

inline constexpr std::uint32_t kBackendLimit = 1U << 18;
inline constexpr std::uint32_t kAffinityLimit = 24 * 60 * 60;
/// `count`: 1 to kBackendLimit - 1. `seconds`: of affinity, up to kAffinityLimit; from 4,096
/// backends on it is rounded up to whole minutes.
Choice draw_choice(std::uint32_t count, bool local, std::uint32_t seconds);
std::uint32_t count_of(Choice choice);
bool is_local(Choice choice);

/// A chain that draws. `by_port`: reached by NodePort, where the handle is found without the
/// address.
struct DrawChain {
  Family family = Family::kIpv4;
  bool by_port = false;
  Choice choice;
  auto operator<=>(const DrawChain&) const = default;
};

/// A backend in its slot.
struct Slot {
  Ip address;
  Port port;
  auto operator<=>(const Slot&) const = default;
};

/// One Service port of one family as it is, or shall be, in the kernel: all of its elements follow
/// from it.
struct PortTables {
  struct Row {
    bool by_port = false;  // NodePort: no address
    Ip address;
    Port port;
    bool is_cluster_ip = false;
    std::uint32_t handle = 0;
    std::vector<Cidr> source_ranges;  // none lies in another
    bool operator==(const Row&) const = default;
  };

  ServicePortName name;
  std::uint32_t id = 0;
  std::uint32_t affinity_seconds = 0;
  std::vector<Row> rows;
  std::vector<Slot> cluster_slots;
  std::vector<Slot> local_slots;
  std::vector<Ip> hairpins;  // addresses of backends on this node; sorted, no duplicates
  std::vector<Ip> serving;   // see ServicePlan; sorted
  bool operator==(const PortTables&) const = default;
};

/// The definition of a set.
const nft::Set& set_of(SetId id);
/// Bytes of key and data that are in use.
std::size_t key_bytes(SetId id);
std::size_t data_bytes(SetId id);

}  // namespace fairlead::nftables
