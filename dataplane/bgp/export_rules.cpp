// Attributes in, attributes out: what crosses the border of our AS is stripped of what holds only
// inside, what stays inside is left as it is but for the marks of reflection.
#include "dataplane/bgp/export_rules.hpp"

#include <algorithm>

#include "dataplane/bgp/selection.hpp"

namespace fairlead::bgp {
namespace {

constexpr Community kNoPeer{0xffffff04};  // RFC 3765

bool has(const PathAttributes& route, Community community) {
  return std::ranges::find(route.communities, community) != route.communities.end();
}

bool is_forbidden_by_community(const PathAttributes& route, const PeerRules& to) {
  if (has(route, kNoAdvertise)) return true;
  if (to.internal()) return false;
  return has(route, kNoExport) || has(route, kNoExportSubconfed) ||
         (to.role == Role::kPeer && has(route, kNoPeer));
}

template <class T>
void add_missing(std::vector<T>& to, const std::vector<T>& values) {
  for (const T& value : values)
    if (std::ranges::find(to, value) == to.end()) to.push_back(value);
}

/// RFC 9234 5: what may only go down does not go up or sideways. False: it must not go.
bool mark_direction(PathAttributes& route, const PeerRules& to) {
  if (!to.role || to.internal()) return true;
  const bool is_below = *to.role == Role::kProvider || *to.role == Role::kRouteServer;
  if (route.only_to_customer) return is_below;
  if (is_below || *to.role == Role::kPeer) route.only_to_customer = to.local_as;
  return true;
}

void cross_border(PathAttributes& route, const PeerRules& to, std::size_t prepend) {
  route.local_preference.reset();
  route.originator_id.reset();
  route.cluster_list.clear();
  route.as_path.prepend(to.local_as, 1 + prepend);
}

/// RFC 4456 8.
void reflect(PathAttributes& route, const Speaker& speaker, const PeerView& from) {
  if (!route.originator_id) route.originator_id = from.session.router_id;
  route.cluster_list.insert(route.cluster_list.begin(), speaker.cluster_id);
}

/// Whether the peer can be told `hop` (RFC 4760, 8950), and it is not the peer itself (RFC 4271
/// 5.1.3).
bool is_fit(const NextHop& hop, Family family, const PeerView& to) {
  if (hop.address == to.rules.address) return false;
  if (hop.address.family() == family) return true;
  return family == Family::kIpv4 && to.session.negotiated.ipv4_over_ipv6;
}

/// False: there is no next hop that the peer could use.
bool set_next_hop(PathAttributes& route, Family family, bool own, const PeerView& to) {
  // A link-local address means nothing on another link.
  if (own || (!route.next_hop.address.is_v4() && route.next_hop.address.is_link_local())) {
    const auto& next_hop = to.session.next_hop[family];
    if (!next_hop) return false;
    route.next_hop = *next_hop;
  } else {
    route.next_hop.link_local.reset();
  }
  return is_fit(route.next_hop, family, to);
}

}  // namespace

bool may_pass(const PeerRules& from, const PeerRules& to) {
  if (&from == &to) return false;
  if (!to.internal()) return to.transit;
  return !from.internal() || from.client || to.client;
}

std::optional<PathAttributes> passed_on(const PathAttributes& route, Family family,
                                        const Speaker& speaker, const PeerView& from,
                                        const PeerView& to) {
  if (is_forbidden_by_community(route, to.rules)) return std::nullopt;
  PathAttributes told = route;
  if (!mark_direction(told, to.rules)) return std::nullopt;
  const bool inside = from.rules.internal() && to.rules.internal();
  const bool own_hop = !to.rules.internal() || (!inside && to.rules.next_hop_self);
  if (!to.rules.internal()) {
    told.med.reset();  // 5.1.4: not another AS's to see
    std::erase_if(told.extended_communities,
                  [](const ExtendedCommunity& it) { return !it.is_transitive(); });
    cross_border(told, to.rules, 0);
  } else {
    told.local_preference = told.local_preference.value_or(kDefaultLocalPreference);
    if (inside) reflect(told, speaker, from);
    if (told.originator_id == to.session.router_id) return std::nullopt;  // it would refuse it
  }
  if (!set_next_hop(told, family, own_hop, to)) return std::nullopt;
  return told;
}

std::optional<PathAttributes> own_route(const PathAttributes& route, Family family,
                                        const OwnRouteRule& rule, const PeerView& to) {
  PathAttributes told = route;
  add_missing(told.communities, rule.communities);
  add_missing(told.large_communities, rule.large_communities);
  if (rule.med) told.med = rule.med;
  if (rule.local_preference) told.local_preference = rule.local_preference;
  if (!mark_direction(told, to.rules)) return std::nullopt;
  if (to.rules.internal())
    told.local_preference = told.local_preference.value_or(kDefaultLocalPreference);
  else
    cross_border(told, to.rules, rule.prepend);
  if (!set_next_hop(told, family, true, to)) return std::nullopt;
  return told;
}

}  // namespace fairlead::bgp
