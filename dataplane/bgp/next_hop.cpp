// Bytes -> next hops. Nobody asks here whether a next hop can be reached.
#include "dataplane/bgp/next_hop.hpp"

#include <algorithm>

namespace fairlead::bgp {

Ip read_ipv4(Reader& reader) {
  std::array<std::uint8_t, 4> bytes{};
  if (const auto taken = reader.bytes(bytes.size())) std::ranges::copy(*taken, bytes.begin());
  return ip_from_v4(bytes);
}

Ip read_ipv6(Reader& reader) {
  Ip ip;
  if (const auto taken = reader.bytes(ip.bytes.size())) std::ranges::copy(*taken, ip.bytes.begin());
  return ip;
}

void write_address(Writer& writer, const Ip& address) {
  writer.bytes(ByteView(address.bytes).subspan(address.is_v4() ? 12 : 0));
}

bool is_usable_next_hop(const Ip& address) {
  if (address.is_unspecified() || address.is_loopback() || address.is_multicast()) return false;
  if (!address.is_v4()) return true;
  return address.bytes[12] != 0 && address.bytes[12] < 240;  // RFC 6890 2.2.2
}

NextHop read_ipv6_next_hop(Reader reader) {
  NextHop next_hop{.address = read_ipv6(reader), .link_local = std::nullopt};
  if (reader.empty()) return next_hop;
  const Ip second = read_ipv6(reader);
  if (second.is_v4() || !second.is_link_local()) return next_hop;
  if (next_hop.address.is_unspecified() || next_hop.address == second)
    next_hop.address = second;
  else
    next_hop.link_local = second;
  return next_hop;
}

}  // namespace fairlead::bgp
