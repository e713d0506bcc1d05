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

}  // namespace fairlead::podnet
