// Configuration -> the parts of BGP, opened; and what they answer for people and for Prometheus.
#pragma once

#include <boost/json/object.hpp>

#include "agent/bgp/bgp_node.hpp"
#include "agent/config.hpp"

namespace fairlead {

/// The error is of the listening socket, the kernel's routes or the API server's address.
Result<bgp::BgpNode::Opened> open_bgp(const AgentConfig& config,
                                      const client::ClientConfig& connection,
                                      const std::string& user_agent);
bgp::BgpOptions bgp_options(const AgentConfig& config);

/// Removes learned routes.
Result<> clean_up_bgp(const AgentConfig& config);

}  // namespace fairlead
