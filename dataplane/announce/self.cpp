// Node and options -> identifiers.
#include "dataplane/announce/self.hpp"

namespace fairlead::announce {
namespace {

/// RFC 4271 4.2: the identifier is an address of the speaker; RFC 6286 lets it be any number.
bgp::RouterId id_from(const Ip& ip) {
  std::uint32_t number = 0;
  for (std::size_t i = 12; i < 16; ++i) number = number << 8 | ip.bytes[i];
  return {number};
}

}  // namespace

std::uint32_t number_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash == 0 ? 1 : hash;
}

bgp::PerFamily<std::optional<Ip>> first_addresses(const Node& node) {
  bgp::PerFamily<std::optional<Ip>> first;
  for (const Ip& ip : node.addresses)
    if (!first[ip.family()]) first[ip.family()] = ip;
  return first;
}

std::optional<bgp::RouterId> reflector_id(const Node& node) {
  const auto label = node.labels.find(kReflectorLabel);
  if (label == node.labels.end()) return std::nullopt;
  const auto ip = parse_ip(label->second);
  if (!ip || !ip->is_v4() || ip->is_unspecified()) return std::nullopt;
  return id_from(*ip);
}

Self know_self(const Options& options, const Node& node) {
  Self self{.node = node, .as = options.as, .address = first_addresses(node)};
  self.cluster_id = reflector_id(node);
  if (options.router_id) {
    self.router_id = *options.router_id;
  } else if (self.address.ipv4) {
    self.router_id = id_from(*self.address.ipv4);
  } else {
    self.router_id = {number_of(node.name)};
  }
  return self;
}

}  // namespace fairlead::announce
