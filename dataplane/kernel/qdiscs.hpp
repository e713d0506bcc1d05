// Token buckets: queueing disciplines that hold back what a device sends faster than it may.
#pragma once

#include <cstdint>
#include <map>

#include "dataplane/kernel/netlink.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Bytes a second, and bytes that may be sent at once. What waits is bounded by the burst and 25 ms
/// of the rate.
struct TokenBucket {
  std::uint64_t rate = 0;
  std::uint32_t burst =
      0;  // at most kMostBurst; more than the largest packet, or that never leaves
  auto operator<=>(const TokenBucket&) const = default;
};
inline constexpr std::uint32_t kMostBurst = 1U << 31;

/// Makes it the device's root queueing discipline, whatever was there. ENOENT: the kernel has no
/// sch_tbf.
Result<> put_token_bucket(NetlinkSocket& socket, int device, const TokenBucket& bucket);

/// Those that are root queueing disciplines, by device.
Result<std::map<int, TokenBucket>> read_token_buckets(NetlinkSocket& socket);

}  // namespace fairlead
