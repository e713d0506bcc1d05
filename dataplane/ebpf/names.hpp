// Names for people of what the programs count and tell. In the order of the enums of
// bpf/abi/counters.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "bpf/abi/counters.h"

namespace fairlead::ebpf {

/// Counters before FL_COUNT_DROPS_FIRST: "flows_created". What follows them is "drops", by reason.
std::string_view counter_name(std::uint32_t counter);
/// "policy", "source_range"; "unknown" for a number that this version does not know.
std::string_view drop_name(std::uint32_t reason);
/// "xdp", "tc ingress", "tc egress", "socket".
std::string_view hook_name(std::uint32_t hook);

}  // namespace fairlead::ebpf
