// One setsockopt each; an error says which. Numbers are the kernel's: tcp(7), ip(7), ipv6(7).
#include "speaker/tcp_options.hpp"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73  // linux/in6.h, which netinet/in.h does not bear beside it
#endif

namespace fairlead::speaker {
namespace {

constexpr int kMostHops = 255;
/// CS6: the class of what networks say to one another (RFC 4594 3.2).
constexpr int kNetworkControl = IPTOS_CLASS_CS6;

Result<> set(int socket, int level, int option, int value, const char* name) {
  if (::setsockopt(socket, level, option, &value, sizeof value) == 0) return {};
  return system_error(errno, std::string("set ") + name);
}

Result<int> get(int socket, int level, int option, const char* name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket, level, option, &value, &size) == 0) return value;
  return system_error(errno, std::string("get ") + name);
}

Result<bool> is_ipv6(int socket) {
  TRY(const int domain, get(socket, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN"));
  return domain == AF_INET6;
}

Result<> set_hops(int socket, bool ipv6, int hops) {
  if (ipv6) TRY_VOID(set(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops, "IPV6_UNICAST_HOPS"));
  // IPv4 may pass through an IPv6 socket.
  return set(socket, IPPROTO_IP, IP_TTL, hops, "IP_TTL");
}

Result<> set_fewest_hops_left(int socket, bool ipv6, int left) {
  if (ipv6) TRY_VOID(set(socket, IPPROTO_IPV6, IPV6_MINHOPCOUNT, left, "IPV6_MINHOPCOUNT"));
  return set(socket, IPPROTO_IP, IP_MINTTL, left, "IP_MINTTL");
}

sockaddr_storage address_for(const Ip& ip, bool ipv6) {
  sockaddr_storage storage{};
  if (ipv6) {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    std::ranges::copy(ip.bytes, address.sin6_addr.s6_addr);  // IPv4 is mapped in it already
  } else {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, ip.bytes.data() + 12, sizeof address.sin_addr);
  }
  return storage;
}

}  // namespace

Result<> set_password(int socket, const Ip& peer, const std::string& password) {
  tcp_md5sig signature{};
  if (password.size() > sizeof signature.tcpm_key)
    return invalid("password: longer than the kernel's " +
                   std::to_string(sizeof signature.tcpm_key) + " bytes");
  TRY(const bool ipv6, is_ipv6(socket));
  signature.tcpm_addr = address_for(peer, ipv6);
  signature.tcpm_keylen = static_cast<std::uint16_t>(password.size());
  std::ranges::copy(password, signature.tcpm_key);
  if (::setsockopt(socket, IPPROTO_TCP, TCP_MD5SIG, &signature, sizeof signature) == 0) return {};
  if (password.empty() && errno == ENOENT) return {};  // there was none
  return system_error(errno, "set TCP_MD5SIG");
}

Result<> set_options(int socket, const bgp::control::Transport& transport, bool internal) {
  TRY(const bool ipv6, is_ipv6(socket));
  TRY_VOID(set(socket, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"));
  TRY_VOID(set(socket, IPPROTO_IP, IP_TOS, kNetworkControl, "IP_TOS"));
  if (ipv6) TRY_VOID(set(socket, IPPROTO_IPV6, IPV6_TCLASS, kNetworkControl, "IPV6_TCLASS"));
  if (transport.ttl_security) {
    TRY_VOID(set_hops(socket, ipv6, kMostHops));
    return set_fewest_hops_left(socket, ipv6, kMostHops + 1 - std::max<int>(transport.hops, 1));
  }
  return internal ? Result<>{} : set_hops(socket, ipv6, std::max<int>(transport.hops, 1));
}

Result<> set_listener_options(int socket) {
  TRY(const bool ipv6, is_ipv6(socket));
  TRY_VOID(set(socket, IPPROTO_IP, IP_TOS, kNetworkControl, "IP_TOS"));
  if (ipv6) TRY_VOID(set(socket, IPPROTO_IPV6, IPV6_TCLASS, kNetworkControl, "IPV6_TCLASS"));
  return set_hops(socket, ipv6, kMostHops);
}

Result<ListenerFamily> listener_family(int socket) {
  TRY(const bool ipv6, is_ipv6(socket));
  if (!ipv6) return ListenerFamily{};
  TRY(const int alone, get(socket, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"));
  return ListenerFamily{.ipv6 = true, .both = alone == 0};
}

}  // namespace fairlead::speaker
