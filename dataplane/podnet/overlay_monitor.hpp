// Tells when links, addresses, routes, neighbours or forwarding entries change that the overlay has
// or stands on.
#pragma once

#include <cstdint>
#include <utility>

#include "dataplane/kernel/netlink.hpp"
#include "model/result.hpp"

namespace fairlead::podnet {

class OverlayMonitor {
 public:
  /// `own`: the socket of our own changes, which mostly do not count; the kernel does not tell of
  /// all who made them.
  static Result<OverlayMonitor> open(const NetlinkSocket& own);

  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// Whether somebody else's routes going away count.
  void watch_foreign_routes(bool on) { foreign_routes_ = on; }
  /// Reads what has arrived, without waiting. True: something counts, or messages were lost.
  Result<bool> changed();

 private:
  OverlayMonitor(NetlinkSocket socket, std::uint32_t own) : socket_(std::move(socket)), own_(own) {}
  [[nodiscard]] bool counts(const nlmsghdr& message);

  NetlinkSocket socket_;
  std::uint32_t own_;
  bool foreign_routes_ = false;
  int vxlan_ = 0;  // index of flvx0, from its last notification or the kernel
};

}  // namespace fairlead::podnet
