// What this kernel can do: asked, never concluded from its version.
#pragma once

#include <cstdint>

#include "model/result.hpp"

namespace fairlead {

struct BpfFeatures {
  bool set_retval = false;        // bpf_set_retval: connect() may say ECONNREFUSED
  bool ct_lookup = false;         // bpf_skb_ct_lookup and bpf_xdp_ct_lookup
  bool tcx = false;               // links at a device's ingress and egress; else clsact filters
  std::uint32_t jiffy_ns = 0;     // 0: bpf_jiffies64 says nothing that could be made a time
  std::uint32_t first_jiffy = 0;  // jiffies when CLOCK_MONOTONIC was 0, to one or two
  bool operator==(const BpfFeatures&) const = default;
};

/// Fails where something is missing that has no substitute, and says what to do: types of the
/// kernel (BTF), the right to load programs.
Result<BpfFeatures> probe_bpf();

}  // namespace fairlead
