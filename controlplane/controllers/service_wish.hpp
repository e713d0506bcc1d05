// A Service as it is stored -> what it asks of the address pools.
#pragma once

#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "controlplane/addresses/wish.hpp"

namespace fairlead::controllers {

inline constexpr std::string_view kAddressesAnnotation = "fairlead.io/load-balancer-ips";
inline constexpr std::string_view kPoolAnnotation = "fairlead.io/address-pool";
inline constexpr std::string_view kSharingAnnotation = "fairlead.io/allow-shared-ip";

/// Of type LoadBalancer, and of no class or one that begins with "fairlead.io/".
bool wants_address(const boost::json::object& service);
/// What an annotation says that cannot be read is the wish's mistake.
addresses::Wish wish_of(const boost::json::object& service);
/// status.loadBalancer.ingress[].ip
std::vector<Ip> held_by(const boost::json::object& service);

}  // namespace fairlead::controllers
