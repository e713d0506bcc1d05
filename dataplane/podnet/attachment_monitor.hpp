// Tells when the node's ends of pods' links, or routes and neighbours of ours, go or change.
#pragma once

#include "dataplane/kernel/netlink.hpp"
#include "model/result.hpp"

namespace fairlead::podnet {

class AttachmentMonitor {
 public:
  /// The network namespace is the calling thread's, for good.
  static Result<AttachmentMonitor> open();
  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// Takes what fd() has, without waiting. True: something of ours may have changed, also by us.
  Result<bool> drain();

 private:
  explicit AttachmentMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace fairlead::podnet
