// `fairlead bgp`: the BGP speaker of this node, by way of its agent.
#pragma once

#include <CLI/App.hpp>
#include <boost/json/value.hpp>
#include <string>

namespace fairlead::cli {

/// peers, routes and drain.
void add_bgp_command(CLI::App& app, int& exit_code);

// The answers as tables for people.
std::string bgp_peers_view(const boost::json::value& peers);
std::string bgp_routes_view(const boost::json::value& routes);

}  // namespace fairlead::cli
