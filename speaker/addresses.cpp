// Bytes are copied; names of interfaces are the kernel's.
#include "speaker/addresses.hpp"

#include <net/if.h>

#include <algorithm>
#include <cerrno>

namespace fairlead::speaker {

namespace asio = boost::asio;
using asio::ip::tcp;

Result<tcp::endpoint> endpoint_of(const Ip& ip, std::uint16_t port, const std::string& interface) {
  if (ip.is_v4()) {
    asio::ip::address_v4::bytes_type bytes{};
    std::copy_n(ip.bytes.begin() + 12, 4, bytes.begin());
    return tcp::endpoint(asio::ip::address_v4(bytes), port);
  }
  asio::ip::address_v6 address(ip.bytes);
  if (!interface.empty()) {
    const unsigned index = ::if_nametoindex(interface.c_str());
    if (index == 0) return system_error(errno, "interface " + interface);
    address.scope_id(index);
  }
  return tcp::endpoint(address, port);
}

Ip ip_of(const asio::ip::address& address) {
  if (address.is_v4()) return ip_from_v4(address.to_v4().to_bytes());
  return Ip{address.to_v6().to_bytes()};
}

std::string interface_of(const asio::ip::address& address) {
  if (!address.is_v6() || address.to_v6().scope_id() == 0) return {};
  std::array<char, IF_NAMESIZE> name{};
  const auto index = static_cast<unsigned>(address.to_v6().scope_id());
  return ::if_indextoname(index, name.data()) == nullptr ? std::string() : std::string(name.data());
}

}  // namespace fairlead::speaker
