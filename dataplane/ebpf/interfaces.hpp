// What the programs know of the node and of each of its interfaces. Pure.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "bpf/abi/config.h"
#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/kernel/network_links.hpp"
#include "model/plan.hpp"

namespace fairlead::ebpf {

/// Whether `name` is one of `patterns`: names, or prefixes that end in '*'.
bool is_skipped(std::string_view name, std::span<const std::string> patterns);

/// The interfaces and routes as they are.
struct Network {
  std::vector<NetworkLink> links;
  std::vector<int> default_routes;  // indices of links
};

fl_interface interface_of(const NetworkLink& link, const Network& network,
                          const NodeSettings& node);

/// Where NodePorts are open: sorted, no duplicates.
std::vector<Ip> node_addresses(const NodeSettings& node, const Network& network);

/// All but what is counted or set elsewhere: mode, neighbour_conntrack, foreign_sockets are 0.
/// More than FL_PREFIXES prefixes: the rest is left out.
fl_config config_of(const NodeSettings& node, const Network& network, const Options& options,
                    std::uint64_t netns_cookie);
/// Writes it into a generation's, where that differs; how many elements were written. What
/// config_of() leaves out stays as it is.
std::size_t write_config(fl_config want, fl_config& config);

}  // namespace fairlead::ebpf
