// Advertisements x Services -> the routes to addresses of Services that this node originates.
#pragma once

#include <vector>

#include "dataplane/announce/advertisements.hpp"

namespace fairlead::announce {

/// Added to `routes`, in no order, repetitions included.
void add_service_routes(const Options& options, const Self& self, const Cluster& cluster,
                        const std::vector<Advertised>& advertised,
                        std::vector<bgp::control::OwnRoute>& routes);

/// The widest prefix around `ip` that is at least `length` long and does not go beyond `range`,
/// which has it.
Cidr aggregate_within(const IpRange& range, const Ip& ip, std::uint8_t length);

}  // namespace fairlead::announce
