// What happens in the kernel that concerns learned routes.
#pragma once

#include <set>

#include "dataplane/kernel/netlink.hpp"

namespace fairlead {

class LearnedRouteMonitor {
 public:
  /// `own`: writes them; its changes are kept back in the kernel. The network namespace is the
  /// calling thread's, for good.
  static Result<LearnedRouteMonitor> open(const NetlinkSocket& own);
  [[nodiscard]] int fd() const { return socket_.fd(); }

  struct Changes {
    bool routes = false;     // somebody touched a learned one
    bool next_hops = false;  // the way to them, or whether they answer, may differ
    std::set<int> links;     // that changed: the kernel drops routes by them without a word
  };
  /// Takes what fd() has, without waiting. Routes and next hops, if something was lost.
  Result<Changes> drain();

 private:
  explicit LearnedRouteMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace fairlead
