// flvx0, its addresses, forwarding entries and neighbours, and the routes to other nodes' pods, in
// the kernel.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/kernel/netlink.hpp"
#include "dataplane/kernel/route_reads.hpp"
#include "dataplane/podnet/overlay.hpp"
#include "model/result.hpp"

namespace fairlead::podnet {

/// Begin of the names of pods' links; routes to whole addresses by them are not the overlay's.
inline constexpr std::string_view kPodLinkPrefix = "fl-";

/// What the kernel has of it.
struct OverlayState {
  std::optional<LinkDetails> device;  // called flvx0, whatever it is
  std::string underlay_name;          // of the wanted one
  std::vector<KernelAddress> addresses;
  std::vector<KernelForwarding> forwarding;
  std::vector<KernelNeighbour> neighbours;
  std::vector<KernelRoute> routes;
  std::vector<MainRoute> foreign;  // somebody else's, to destinations that are wanted
};
Result<OverlayState> read_overlay(NetlinkSocket& socket, const Overlay& want);

struct OverlayReport {
  std::size_t added = 0, removed = 0;  // entries of all kinds
  bool device_made = false;
  std::vector<std::string> settings;  // that were changed: "net/ipv4/ip_forward = 1"
  std::vector<std::string> problems;  // what stays undone, and why
};
/// Adds and replaces, then removes what is not wanted, so that what is there before and after is
/// never missing. The error is of the first thing that the kernel refused; the others were done.
Result<OverlayReport> write_overlay(NetlinkSocket& socket, OverlayState have, const Overlay& want);

/// Removes flvx0 and the routes.
Result<> remove_overlay(NetlinkSocket& socket);

/// Where `address` is, which is this node's; an error names it if it is nowhere.
Result<Underlay> find_underlay(NetlinkSocket& socket, const Ip& address);

}  // namespace fairlead::podnet
