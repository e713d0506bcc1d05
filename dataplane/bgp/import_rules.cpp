// The checks of RFC 4271 9.1.1, 4456 and 9234 that a route has to pass before it is compared.
#include "dataplane/bgp/import_rules.hpp"

#include <algorithm>

namespace fairlead::bgp {
namespace {

std::size_t occurrences(const AsPath& path, AsNumber as) {
  std::size_t count = 0;
  for (const auto& segment : path.segments)
    count += static_cast<std::size_t>(std::ranges::count(segment.numbers, as));
  return count;
}

bool has_own_as(const AsPath& path, const Speaker& speaker, const PeerRules& rules) {
  return occurrences(path, speaker.as) > rules.own_as_allowed ||
         occurrences(path, rules.local_as) > rules.own_as_allowed;
}

/// `role` is ours: a provider's peer is a customer.
bool is_leaked(const PathAttributes& attributes, const PeerRules& from) {
  if (!attributes.only_to_customer || !from.role || from.internal()) return false;
  const bool from_below = *from.role == Role::kProvider || *from.role == Role::kRouteServer;
  return from_below || (*from.role == Role::kPeer && *attributes.only_to_customer != from.as);
}

bool is_own_next_hop(const PathAttributes& attributes, const Established& session) {
  const auto is_it = [&](const std::optional<NextHop>& own) {
    return own && own->address == attributes.next_hop.address;
  };
  return is_it(session.next_hop.ipv4) || is_it(session.next_hop.ipv6);
}

}  // namespace

std::vector<PrefixRule> imports_within(std::span<const Cidr> ranges) {
  std::vector<PrefixRule> rules;
  for (const Cidr& range : ranges) {
    const std::uint8_t longest = range.family() == Family::kIpv4 ? 32 : 128;
    rules.push_back({.prefix = range, .min_length = range.length, .max_length = longest});
  }
  return rules;
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kPrefix:
      return "prefix not allowed";
    case Refusal::kOwnAs:
      return "own AS in path";
    case Refusal::kOwnOriginator:
      return "own originator id";
    case Refusal::kOwnCluster:
      return "own cluster id";
    case Refusal::kFirstAs:
      return "path does not begin with the peer's AS";
    case Refusal::kRouteLeak:
      return "route leak";
    case Refusal::kOwnNextHop:
      return "own address as next hop";
  }
  return "unknown";
}

std::optional<Refusal> refuse(const PathAttributes& attributes, const Speaker& speaker,
                              const PeerView& from) {
  const PeerRules& rules = from.rules;
  if (has_own_as(attributes.as_path, speaker, rules)) return Refusal::kOwnAs;
  if (attributes.originator_id == speaker.router_id) return Refusal::kOwnOriginator;
  if (std::ranges::find(attributes.cluster_list, speaker.cluster_id) !=
      attributes.cluster_list.end())
    return Refusal::kOwnCluster;
  if (!rules.internal() && rules.first_as_checked && attributes.as_path.first() != rules.as)
    return Refusal::kFirstAs;
  if (is_leaked(attributes, rules)) return Refusal::kRouteLeak;
  if (is_own_next_hop(attributes, from.session)) return Refusal::kOwnNextHop;
  return std::nullopt;
}

bool allows(const PeerRules& rules, const Prefix& prefix) {
  return std::ranges::any_of(rules.imports,
                             [&](const PrefixRule& rule) { return rule.allows(prefix); });
}

PathAttributes imported(PathAttributes attributes, const PeerRules& from) {
  if (from.internal()) return attributes;
  const bool from_above =
      from.role && *from.role != Role::kProvider && *from.role != Role::kRouteServer;
  if (from_above && !attributes.only_to_customer) attributes.only_to_customer = from.as;
  if (std::ranges::find(attributes.communities, kGracefulShutdown) != attributes.communities.end())
    attributes.local_preference = 0;
  return attributes;
}

}  // namespace fairlead::bgp
