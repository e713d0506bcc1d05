// Links of pods have addresses of one host, and are no subnet.
#include "dataplane/layer2/links.hpp"

#include <algorithm>
#include <optional>

namespace fairlead::layer2 {
namespace {

bool has_subnet_with(const LinkAddress& own, const Ip& address) {
  if (own.address.family() != address.family()) return false;
  if (own.length == 0 || own.length >= (address.is_v4() ? 32 : 128)) return false;
  const unsigned length = own.length + (address.is_v4() ? 96U : 0U);  // of the mapped form
  for (unsigned i = 0; i < length; ++i) {
    const unsigned byte = i / 8, bit = 7 - i % 8;
    if (((own.address.bytes[byte] ^ address.bytes[byte]) >> bit & 1U) != 0) return false;
  }
  return true;
}

}  // namespace

const EthernetLink* find_link(std::span<const EthernetLink> links, const Ip& address,
                              std::span<const Ip> node_addresses) {
  const EthernetLink *of_subnet = nullptr, *of_node = nullptr;
  std::uint8_t length = 0;
  for (const EthernetLink& link : links) {
    if (!link.is_running) continue;
    for (const LinkAddress& own : link.addresses) {
      if (has_subnet_with(own, address) && own.length > length) {
        of_subnet = &link;
        length = own.length;
      }
      const bool is_node = own.address.family() == address.family() &&
                           std::ranges::find(node_addresses, own.address) != node_addresses.end();
      if (is_node && of_node == nullptr) of_node = &link;
    }
  }
  return of_subnet != nullptr ? of_subnet : of_node;
}

Ip own_address(const EthernetLink& link, Family family) {
  std::optional<Ip> any;
  for (const LinkAddress& own : link.addresses) {
    if (own.address.family() != family) continue;
    if (family == Family::kIpv6 && own.address.is_link_local()) return own.address;
    if (!any) any = own.address;
  }
  return any.value_or(any_address(family));
}

}  // namespace fairlead::layer2
