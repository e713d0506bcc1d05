// Addresses of the project's own type <-> Asio's endpoints.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::speaker {

/// Where an interface is named it is the scope of an IPv6 address. Error: there is no such
/// interface.
Result<boost::asio::ip::tcp::endpoint> endpoint_of(const Ip& ip, std::uint16_t port,
                                                   const std::string& interface);

/// An IPv4-mapped address is the IPv4 address.
Ip ip_of(const boost::asio::ip::address& address);

/// Of a link-local address; "" for all others, and where the interface is gone.
std::string interface_of(const boost::asio::ip::address& address);

}  // namespace fairlead::speaker
