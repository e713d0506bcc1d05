// Changes of links, addresses, routes and neighbours: many requests to rtnetlink in one datagram.
// The kernel works each off by itself, in their order; a refused one does not undo the others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/kernel/netlink.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead {

/// An Ethernet address, in the order of transmission.
using MacBytes = std::array<std::uint8_t, 6>;

/// RTPROT_…: who made a route or address. The pod network; BGP.
constexpr std::uint8_t kOwnRouteProtocol = 201, kLearnedRouteProtocol = 202;

/// A route of the main table.
struct KernelRoute {
  Cidr destination;
  std::optional<Ip> via;  // IPv4 by IPv6 is not meant here
  int device = 0;         // index
  bool on_link = false;   // `via` needs no route of its own
  std::optional<Ip> source;
  std::uint32_t metric = 0;  // 0: the family's default
  bool unreachable = false;  // leads nowhere: ICMP says so; no device
  auto operator<=>(const KernelRoute&) const = default;
};

struct RouteHop {
  Ip via;  // IPv6 for an IPv4 destination, too
  int device = 0;
  auto operator<=>(const RouteHop&) const = default;
};

/// A route that BGP learned, of the main table. Its metric is greater than that of routes whose
/// maker says none, so it takes nothing from them.
struct LearnedKernelRoute {
  static constexpr std::size_t kMostHops = 16;
  Cidr destination;
  std::vector<RouteHop> hops;  // of equal cost; sorted, at least one, at most kMostHops
  auto operator<=>(const LearnedKernelRoute&) const = default;
};
std::uint32_t learned_metric(Family family);

struct KernelNeighbour {
  int device = 0;
  Ip address;
  MacBytes mac{};
  auto operator<=>(const KernelNeighbour&) const = default;
};

/// An entry of a VXLAN device's forwarding database: frames to `mac` go to `remote`.
struct KernelForwarding {
  int device = 0;
  MacBytes mac{};
  Ip remote;
  auto operator<=>(const KernelForwarding&) const = default;
};

/// What a change of a link sets; the rest stays.
struct LinkChange {
  bool up = false;
  bool no_own_addresses = false;  // no IPv6 link-local address once it is up
  std::optional<std::uint32_t> mtu{}, group{};
  std::optional<MacBytes> mac{};
  std::string alias{};  // "": stays
};

/// Deletions of what is gone already succeed; additions of what is there replace it.
class RouteBatch {
 public:
  void change_link(int device, const LinkChange& change);
  void delete_link(int device);
  /// All links of a group at once: the kernel then waits once for all of them.
  void delete_links_of_group(std::uint32_t group);

  /// `length`: of the prefix. Without duplicate address detection.
  void add_address(int device, const Ip& address, std::uint8_t length);
  void delete_address(int device, const Ip& address, std::uint8_t length);

  void add_route(const KernelRoute& route);
  void delete_route(const KernelRoute& route);

  /// Somebody else's of this destination and metric stays, and refuses ours with EEXIST.
  void add_learned(const LearnedKernelRoute& route);
  /// In place of what is there.
  void replace_learned(const LearnedKernelRoute& route);
  void delete_learned(const Cidr& destination);

  /// Asks the link whether an address is there, as a packet to it would.
  void probe_neighbour(int device, const Ip& address);
  /// A permanent one.
  void add_neighbour(const KernelNeighbour& neighbour);
  void delete_neighbour(const KernelNeighbour& neighbour);

  void add_forwarding(const KernelForwarding& entry);
  void delete_forwarding(const KernelForwarding& entry);

  [[nodiscard]] bool empty() const { return steps_.empty(); }
  [[nodiscard]] std::size_t size() const { return steps_.size(); }

  /// Sends them. The error is of the first refused one and says which; all others were carried out.
  Result<> commit(NetlinkSocket& socket);
  /// The same, with every refused one: the how manieth it was, from 0, and why.
  struct Refused {
    std::size_t step = 0;
    Error error;
  };
  Result<std::vector<Refused>> commit_each(NetlinkSocket& socket);

 private:
  struct Step {  // to name it in an error
    const char* verb;
    std::string object;
    bool is_deletion;
  };
  struct Page {
    std::unique_ptr<char[]> bytes;
    std::size_t used = 0;
  };
  nlmsghdr* start(std::uint16_t type, std::uint16_t flags, Step step);
  void finish(const nlmsghdr* message);
  void put_route(const KernelRoute& route, std::uint16_t type, std::uint16_t flags, Step step);
  void put_learned(const LearnedKernelRoute& route, std::uint16_t flags);
  void put_neighbour(const KernelNeighbour& neighbour, std::uint16_t type, std::uint16_t flags,
                     Step step);
  void put_forwarding(const KernelForwarding& entry, std::uint16_t type, std::uint16_t flags,
                      Step step);

  std::vector<Page> pages_;
  std::vector<Step> steps_;  // message of sequence number i + 1
};

}  // namespace fairlead
