// Destination -> RouteStatus: numbers become text here.
#include "speaker/answers.hpp"

#include <algorithm>

#include "dataplane/bgp/text.hpp"

namespace fairlead::speaker {
namespace {

constexpr std::size_t kPart = 500;  // prefixes

std::vector<std::string> communities_of(const bgp::PathAttributes& attributes) {
  std::vector<std::string> texts;
  for (const auto& community : attributes.communities) texts.push_back(to_string(community));
  for (const auto& community : attributes.large_communities) texts.push_back(to_string(community));
  return texts;
}

bool is_used(const bgp::Path& path, const bgp::Route& route) {
  if (!route.next_hops) return false;
  return std::ranges::any_of(route.next_hops->ways, [&](const bgp::Way& way) {
    return way.next_hop == path.attributes->next_hop && (!way.link || *way.link == path.peer);
  });
}

bgp::control::PathStatus status_of(const bgp::Path& path, const bgp::Route& route,
                                   const Answers::NameOf& name_of) {
  const bgp::PathAttributes& attributes = *path.attributes;
  const bool own = path.peer == bgp::kOwnRoutes;
  bgp::control::PathStatus status{.as_path = to_string(attributes.as_path),
                                  .origin = std::string(to_string(attributes.origin)),
                                  .med = attributes.med,
                                  .local_preference = attributes.local_preference,
                                  .communities = communities_of(attributes),
                                  .best = route.best && route.peer == path.peer,
                                  .stale = path.stale};
  status.used = own ? status.best : is_used(path, route);
  if (own) return status;
  status.peer = name_of(path.peer);
  status.next_hops.push_back(attributes.next_hop.address);
  if (attributes.next_hop.link_local) status.next_hops.push_back(*attributes.next_hop.link_local);
  return status;
}

}  // namespace

Answers::Answers(const bgp::control::Ask& ask, const bgp::RoutingTable* table) : id_(ask.id) {
  if (ask.prefix) {
    prefixes_.push_back(*ask.prefix);
  } else if (table != nullptr) {
    prefixes_.reserve(table->destinations().size());
    for (const auto& [prefix, destination] : table->destinations()) prefixes_.push_back(prefix);
    std::ranges::sort(prefixes_);
  }
}

bgp::control::Answer Answers::next(const bgp::RoutingTable* table, const NameOf& name_of) {
  bgp::control::Answer answer{.id = id_};
  const std::size_t end = std::min(told_ + kPart, prefixes_.size());
  for (; told_ < end; ++told_) {
    if (table == nullptr) continue;
    const auto found = table->destinations().find(prefixes_[told_]);
    if (found == table->destinations().end() || found->second.paths.empty()) continue;
    bgp::control::RouteStatus status{.prefix = prefixes_[told_]};
    for (const bgp::Path& path : found->second.paths)
      status.paths.push_back(status_of(path, found->second.route, name_of));
    answer.routes.push_back(std::move(status));
  }
  answer.more = told_ < prefixes_.size();
  return answer;
}

}  // namespace fairlead::speaker
