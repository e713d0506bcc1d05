// The cells of each kind, in the order of its columns in table.cpp.
#pragma once

#include <boost/json.hpp>

#include "model/object.hpp"

namespace fairlead::api {

boost::json::array service_cells(const boost::json::object& service, Time now);
boost::json::array node_cells(const boost::json::object& node, Time now);
boost::json::array pod_cells(const boost::json::object& pod, Time now);
boost::json::array endpoint_slice_cells(const boost::json::object& slice, Time now);
boost::json::array endpoints_cells(const boost::json::object& endpoints, Time now);
boost::json::array namespace_cells(const boost::json::object& ns, Time now);
boost::json::array config_map_cells(const boost::json::object& map, Time now);
boost::json::array secret_cells(const boost::json::object& secret, Time now);
boost::json::array lease_cells(const boost::json::object& lease, Time now);
boost::json::array event_cells(const boost::json::object& event, Time now);
boost::json::array address_pool_cells(const boost::json::object& pool, Time now);
boost::json::array bgp_peer_cells(const boost::json::object& peer, Time now);
boost::json::array bgp_advertisement_cells(const boost::json::object& advertisement, Time now);
boost::json::array other_cells(const boost::json::object& object, Time now);

}  // namespace fairlead::api
