// Peers, prefixes and attributes of a small world, for tests of the routing table.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "dataplane/bgp/routing_table.hpp"

namespace fairlead::bgp::world {

inline constexpr AsNumber kOurAs{65000};
inline constexpr RouterId kOurId{0x0a000001};

inline Speaker speaker() {
  return {.as = kOurAs, .router_id = kOurId, .cluster_id = kOurId, .max_paths = 4, .hash_seed = 7};
}

inline Prefix prefix(const std::string& text) { return *parse_cidr(text); }
inline Ip ip(const std::string& text) { return *parse_ip(text); }

inline std::vector<PrefixRule> import_all() {
  const std::vector<Cidr> all{prefix("0.0.0.0/0"), prefix("::/0")};
  return imports_within(all);
}

/// 10.0.0.`host` of `as`; takes everything.
inline PeerRules rules(std::uint32_t as, std::uint8_t host) {
  return {.address = ip_from_v4({10, 0, 0, host}),
          .as = AsNumber{as},
          .local_as = kOurAs,
          .imports = import_all()};
}
inline PeerRules internal_rules(std::uint8_t host) { return rules(kOurAs.number, host); }

/// Both families; we are 10.0.0.1 and fd00::1.
inline Established session(const PeerRules& rules, std::uint8_t host) {
  return {.router_id = RouterId{0x0a000000U + host},
          .negotiated = {.internal = rules.internal(),
                         .four_octet_as = true,
                         .families = {.ipv4 = true, .ipv6 = true}},
          .next_hop = {.ipv4 = NextHop{.address = ip("10.0.0.1")},
                       .ipv6 = NextHop{.address = ip("fd00::1")}}};
}

inline AsPath path(const std::vector<std::uint32_t>& numbers) {
  AsPath path;
  for (auto it = numbers.rbegin(); it != numbers.rend(); ++it) path.prepend(AsNumber{*it});
  return path;
}

inline PathAttributes via(const std::string& next_hop, const std::vector<std::uint32_t>& numbers) {
  return {.as_path = path(numbers), .next_hop = {.address = ip(next_hop)}};
}

inline Update announce(const PathAttributes& attributes, const std::vector<Prefix>& prefixes) {
  Update update;
  update.announced.push_back({prefixes.front().family(), attributes, prefixes});
  return update;
}

inline Update withdraw(const std::vector<Prefix>& prefixes) {
  Update update;
  update.withdrawn[prefixes.front().family()] = prefixes;
  return update;
}

/// What a peer holds that applies what it is told.
using Heard = std::map<Prefix, PathAttributes>;
inline void apply(const PeerChanges& changes, Heard& heard) {
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const Prefix& it : changes.withdrawn[family]) heard.erase(it);
  for (const auto& group : changes.announced)
    for (const Prefix& it : group.prefixes) heard[it] = *group.attributes;
}

/// Null: it has nothing to hear.
inline const PeerChanges* of(const TableChanges& changes, PeerId peer) {
  const auto found = std::ranges::find(changes.peers, peer, &PeerChanges::peer);
  return found == changes.peers.end() ? nullptr : &*found;
}

/// A table, and peers that were added with a session.
struct World {
  RoutingTable table{speaker()};
  std::map<std::uint32_t, Heard> heard{};

  PeerId add(const PeerRules& peer_rules, std::uint8_t host) {
    const PeerId id = table.add_peer(peer_rules);
    table.session_up(id, session(peer_rules, host));
    return id;
  }
  PeerId external(std::uint32_t as, std::uint8_t host) { return add(rules(as, host), host); }
  PeerId internal(std::uint8_t host) { return add(internal_rules(host), host); }

  TableChanges flush() {
    TableChanges changes = table.flush();
    for (const auto& it : changes.peers) apply(it, heard[it.peer.number]);
    return changes;
  }
  /// "10.0.0.2 10.0.0.3", or "none".
  [[nodiscard]] std::string ways(const std::string& to) const {
    const Route* route = table.find(prefix(to));
    if (route == nullptr) return "none";
    if (!route->next_hops) return "own";
    std::string text;
    for (const auto& way : route->next_hops->ways)
      text += (text.empty() ? "" : " ") + to_string(way.next_hop.address);
    return text;
  }
};

}  // namespace fairlead::bgp::world
