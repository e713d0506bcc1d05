// The nftables datapath: table `inet fairlead`, spoken to by netlink. See tables.hpp for the
// layout.
#pragma once

#include <functional>
#include <memory>

#include "dataplane/datapath.hpp"
#include "model/result.hpp"

namespace fairlead::nftables {

struct Options {
  /// Told of what went wrong beside a sync: stale conntrack entries that could not be cleaned.
  /// Called from the cleaner's own thread. Syncs report by their results.
  std::function<void(const Error&)> report = [](const Error&) {};
};

/// Opens the netlink sockets in the calling thread's network namespace, which stays the datapath's
/// for good. Fails without CAP_NET_ADMIN, or where the kernel has no nftables.
Result<std::unique_ptr<Datapath>> make_datapath(Options options = {});

}  // namespace fairlead::nftables
