// Does a packet's route follow from its destination alone, or from more of it?
#pragma once

#include "dataplane/kernel/netlink.hpp"
#include "model/result.hpp"

namespace fairlead {

/// True: it follows from destination, ingress interface and family. There are no policy rules but
/// the kernel's own three, no routes with several next hops, with a TOS, or with a source. Reads
/// all routes; false while they change too quickly to be read. `socket`: of NETLINK_ROUTE.
Result<bool> read_has_plain_routing(NetlinkSocket& socket);

/// Rules, routes and next hops that may change the answer. All others are kept back in the kernel,
/// so that a full table of BGP's that comes or goes costs nothing here.
class RoutingMonitor {
 public:
  /// The network namespace is the calling thread's, for good.
  static Result<RoutingMonitor> open();
  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// Takes what fd() has, without waiting. True: there was something, or something was lost.
  Result<bool> drain();

 private:
  explicit RoutingMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace fairlead
