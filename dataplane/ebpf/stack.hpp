// Settings of the host's stack where it forwards packets that we have translated.
#pragma once

#include "dataplane/ebpf/datapath.hpp"

namespace fairlead::ebpf {

/// With Options::forward_by_stack: sets net.ipv4.conf.all.accept_local and says so when it changes
/// it. An error: it is not set and cannot be. In the calling thread's network namespace; one system
/// call or two when nothing is to do.
Result<> accept_own_sources(const Options& options);

}  // namespace fairlead::ebpf
