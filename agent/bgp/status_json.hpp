// What `fairlead bgp peers|routes` and `fairlead status` show.
#pragma once

#include <boost/json/object.hpp>

#include "agent/bgp/bgp_node.hpp"

namespace fairlead::bgp {

boost::json::object status_json(const BgpNode::Status& status);
boost::json::object peers_json(const std::vector<control::PeerStatus>& peers);
boost::json::object routes_json(const std::vector<control::RouteStatus>& routes);

}  // namespace fairlead::bgp
