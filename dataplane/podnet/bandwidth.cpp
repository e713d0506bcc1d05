// Bandwidth of CNI (bits) -> token buckets (bytes).
#include "dataplane/podnet/bandwidth.hpp"

#include <algorithm>
#include <limits>

namespace fairlead::podnet {
namespace {

constexpr std::uint64_t kBitsPerByte = 8;
constexpr std::uint64_t kNoBurst = std::numeric_limits<std::uint32_t>::max();  // bits
// The kernel hands packets of up to 64 KiB to a device that cuts them up itself; such should not
// have to be cut here.
constexpr std::uint64_t kLeastOwnBurst = 128 * 1024;
constexpr std::uint64_t kBurstsPerSecond = 20;
constexpr std::uint64_t kEthernetBytes = 18;  // the header, with a VLAN's

}  // namespace

std::optional<TokenBucket> token_bucket(std::uint64_t rate, std::uint64_t burst,
                                        std::uint32_t mtu) {
  if (rate == 0) return std::nullopt;
  const std::uint64_t bytes = std::max<std::uint64_t>(rate / kBitsPerByte, 1);
  const std::uint64_t wanted = burst == 0 || burst >= kNoBurst
                                   ? std::max(bytes / kBurstsPerSecond, kLeastOwnBurst)
                                   : burst / kBitsPerByte;
  const std::uint64_t least = mtu + kEthernetBytes;
  return TokenBucket{
      bytes, static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, least, kMostBurst))};
}

std::optional<TokenBucket> host_bucket(const Attachment& attachment) {
  const Bandwidth& bandwidth = attachment.bandwidth;
  return token_bucket(bandwidth.ingress_rate, bandwidth.ingress_burst, attachment.mtu);
}

std::optional<TokenBucket> pod_bucket(const Attachment& attachment) {
  const Bandwidth& bandwidth = attachment.bandwidth;
  return token_bucket(bandwidth.egress_rate, bandwidth.egress_burst, attachment.mtu);
}

Result<> limit_rate(NetlinkSocket& socket, int device, const std::optional<TokenBucket>& wanted) {
  if (!wanted) return {};
  return put_token_bucket(socket, device, *wanted);
}

Result<bool> is_limited(NetlinkSocket& socket, int device,
                        const std::optional<TokenBucket>& wanted) {
  if (!wanted) return true;
  TRY(const auto buckets, read_token_buckets(socket));
  const auto found = buckets.find(device);
  return found != buckets.end() && found->second == *wanted;
}

}  // namespace fairlead::podnet
