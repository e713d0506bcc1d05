// Ethernet frames of ARP and neighbour discovery, out of and into a link.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Hears ARP replies and announcements, and neighbour advertisements, of one link: a filter in the
/// kernel keeps back all else.
class FrameSocket {
 public:
  /// `link`: an ifindex of the calling thread's network namespace.
  static Result<FrameSocket> open(int link);

  [[nodiscard]] int arp_fd() const { return arp_.get(); }
  [[nodiscard]] int neighbour_fd() const { return neighbours_.get(); }

  /// Gives each frame that has arrived, from its Ethernet header on, without waiting. The error of
  /// a link that is gone or down is success: there is nothing to hear.
  Result<> drain(const std::function<void(std::span<const std::uint8_t>)>& frame);
  /// Success where the link is down.
  Result<> send(std::span<const std::uint8_t> frame);

 private:
  FrameSocket(Fd arp, Fd neighbours, int link)
      : arp_(std::move(arp)), neighbours_(std::move(neighbours)), link_(link) {}
  Fd arp_, neighbours_;
  int link_ = 0;
};

}  // namespace fairlead
