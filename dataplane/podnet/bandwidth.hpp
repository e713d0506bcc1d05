// How fast a pod may send and receive: a token bucket at each end of its link, where packets enter
// it.
//
//   towards the pod (ingress)   at the node's end
//   from the pod (egress)       at the pod's own interface: no device besides, and what is held
//   back
//                               waits in the pod, where its sockets feel it
#pragma once

#include <optional>

#include "dataplane/kernel/qdiscs.hpp"
#include "dataplane/podnet/attachment.hpp"

namespace fairlead::podnet {

/// Bits a second and bits; `mtu` in bytes. nullopt: no limit. No burst (0, or 2^32 - 1 and more, as
/// containerd says it) is 50 ms of the rate, and at least 128 KiB.
std::optional<TokenBucket> token_bucket(std::uint64_t rate, std::uint64_t burst, std::uint32_t mtu);

/// What the node's end has, and the pod's.
std::optional<TokenBucket> host_bucket(const Attachment& attachment);
std::optional<TokenBucket> pod_bucket(const Attachment& attachment);

/// Makes it if one is wanted.
Result<> limit_rate(NetlinkSocket& socket, int device, const std::optional<TokenBucket>& wanted);
/// Is there what is wanted? True where nothing is.
Result<bool> is_limited(NetlinkSocket& socket, int device,
                        const std::optional<TokenBucket>& wanted);

}  // namespace fairlead::podnet
