// Filters of devices that somebody removes.
#pragma once

#include "dataplane/kernel/netlink.hpp"

namespace fairlead {

class FilterMonitor {
 public:
  /// The network namespace is the calling thread's, for good.
  static Result<FilterMonitor> open();
  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// Takes what fd() has, without waiting. True: a filter of a clsact was removed, or the clsact
  /// itself, by anybody; what holds now is to be read.
  Result<bool> drain();

 private:
  explicit FilterMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace fairlead
