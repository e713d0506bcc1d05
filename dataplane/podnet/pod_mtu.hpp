// How large pods' packets may be.
#pragma once

#include <cstdint>

#include "dataplane/podnet/overlay.hpp"
#include "model/object.hpp"
#include "model/result.hpp"

namespace fairlead::podnet {

/// Of this node's pods: what the link of its underlay address carries, less the encapsulation;
/// never more than `options.mtu`.
Result<std::uint32_t> find_pod_mtu(const Node& own, const OverlayOptions& options);

/// The same before the node's address is known: by the links of its default routes, or 1500, less
/// the larger encapsulation.
Result<std::uint32_t> guess_pod_mtu(const OverlayOptions& options);

}  // namespace fairlead::podnet
