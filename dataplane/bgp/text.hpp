// Values of BGP as operators write them.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/bgp/attributes.hpp"

namespace fairlead::bgp {

std::string to_string(AsNumber as);                      // "4200000001" (RFC 5396 asplain)
std::string to_string(RouterId id);                      // "10.0.0.1"
std::string to_string(Community community);              // "65001:7", or "no-export" and the like
std::string to_string(const LargeCommunity& community);  // "70000:1:2"
std::string to_string(const ExtendedCommunity& community);  // "0002fde900000001"
std::string to_string(const AsPath& path);                  // "65001 65002 {65003,65004}"
std::string_view to_string(Origin origin);                  // "IGP", "EGP", "incomplete"

}  // namespace fairlead::bgp
