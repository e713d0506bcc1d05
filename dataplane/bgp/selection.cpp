// The decision process as elimination: each step keeps the best by one criterion. MED is compared
// only between paths of one neighbour AS, so "better" is no order of pairs (a < b < c < a happens),
// and an answer that did not look at all paths at once would depend on who came first.
#include "dataplane/bgp/selection.hpp"

#include <algorithm>
#include <tuple>

namespace fairlead::bgp {
namespace {

/// Keeps those of the lowest `key`.
template <class Key>
void keep_lowest(std::vector<Candidate>& candidates, Key key) {
  if (candidates.size() < 2) return;
  const auto lowest = key(*std::ranges::min_element(candidates, {}, key));
  std::erase_if(candidates, [&](const Candidate& candidate) { return lowest < key(candidate); });
}

std::uint32_t med_of(const Candidate& candidate) { return candidate.attributes->med.value_or(0); }

/// RFC 4271 9.1.2.2 c. Without a neighbour AS the route began in ours.
void keep_lowest_med(std::vector<Candidate>& candidates) {
  const auto is_beaten = [&](const Candidate& candidate) {
    return std::ranges::any_of(candidates, [&](const Candidate& other) {
      return med_of(other) < med_of(candidate) &&
             other.attributes->as_path.first() == candidate.attributes->as_path.first();
    });
  };
  std::vector<Candidate> kept;
  if (std::ranges::none_of(candidates, is_beaten)) return;
  std::ranges::copy_if(candidates, std::back_inserter(kept), std::not_fn(is_beaten));
  candidates = std::move(kept);
}

/// 9.1.2.2 f and g, as RFC 4456 9 has them.
auto tie_breakers(const Candidate& candidate) {
  return std::tuple(candidate.attributes->originator_id.value_or(candidate.router_id),
                    candidate.attributes->cluster_list.size(), candidate.peer_address);
}

}  // namespace

void select(std::vector<Candidate>& candidates) {
  keep_lowest(candidates, [](const Candidate& it) { return it.peer != kOwnRoutes; });
  keep_lowest(candidates, [](const Candidate& it) {
    return ~it.attributes->local_preference.value_or(kDefaultLocalPreference);
  });
  keep_lowest(candidates, [](const Candidate& it) { return it.attributes->as_path.length(); });
  keep_lowest(candidates, [](const Candidate& it) { return it.attributes->origin; });
  keep_lowest_med(candidates);
  keep_lowest(candidates, [](const Candidate& it) { return !it.external; });
  if (candidates.size() > 1) std::ranges::sort(candidates, {}, tie_breakers);
}

}  // namespace fairlead::bgp
