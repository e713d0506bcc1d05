// When an address of this network namespace's interfaces comes or goes.
#pragma once

#include "dataplane/kernel/netlink.hpp"

namespace fairlead {

class AddressMonitor {
 public:
  /// The network namespace is the calling thread's, for good.
  static Result<AddressMonitor> open();

  /// Becomes readable when something changed; then read_local_addresses() says what holds now.
  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// Takes what fd() has, without waiting.
  Result<> drain();

 private:
  explicit AddressMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace fairlead
