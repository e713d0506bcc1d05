// One socket an address; IPv6 sockets take no IPv4, so that each peer has one socket only.
#include "agent/bgp/listeners.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fairlead::bgp {
namespace {

Result<Fd> open_listener(const Ip& address, Port port) {
  const auto failed = [&] { return system_error(errno, "listen on " + to_string(address, port)); };
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!fd) return failed();
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) return failed();
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port.host);
    std::memcpy(&v4.sin_addr, address.bytes.data() + 12, 4);
    size = sizeof(v4);
  } else {
    if (::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) return failed();
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port.host);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), address.bytes.size());
    size = sizeof(v6);
  }
  // An address that a node gets later, or that is still being checked for duplicates.
  if (::setsockopt(fd.get(), IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) != 0) return failed();
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return failed();
  if (::listen(fd.get(), SOMAXCONN) != 0) return failed();
  return fd;
}

bool lacks_family(const Error& error) {
  return error.code == std::errc::address_family_not_supported ||
         error.code == std::errc::address_not_available;
}

}  // namespace

Result<std::vector<Fd>> open_listeners(const std::vector<Ip>& addresses, Port port) {
  std::vector<Fd> listeners;
  for (const Ip& address : addresses) {
    TRY(auto fd, open_listener(address, port));
    listeners.push_back(std::move(fd));
  }
  if (!addresses.empty()) return listeners;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    auto fd = open_listener(any_address(family), port);
    if (fd)
      listeners.push_back(*std::move(fd));
    else if (!lacks_family(fd.error()))
      return tl::unexpected(std::move(fd).error());
  }
  return listeners;
}

}  // namespace fairlead::bgp
