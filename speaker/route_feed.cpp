// Prefix -> what the table says of it now -> set, or gone, whether the agent had it or not.
#include "speaker/route_feed.hpp"

#include <algorithm>

namespace fairlead::speaker {
namespace {

constexpr std::size_t kBatch = 1000;          // prefixes
constexpr std::size_t kMostQueued = 1 << 20;  // bytes
constexpr std::size_t kMuch = 1 << 18;        // waiting prefixes, repetitions counted

}  // namespace

void RouteFeed::changed(const std::vector<bgp::Prefix>& prefixes) {
  waiting_.insert(waiting_.end(), prefixes.begin(), prefixes.end());
  if (waiting_.size() < std::max(kMuch, 2 * distinct_)) return;
  std::ranges::sort(waiting_);
  const auto repeated = std::ranges::unique(waiting_);
  waiting_.erase(repeated.begin(), repeated.end());
  distinct_ = waiting_.size();
}

bgp::control::RoutesChanged RouteFeed::next_batch(const bgp::RoutingTable& table) {
  bgp::control::RoutesChanged batch;
  std::size_t looked_at = 0;
  while (!waiting_.empty() && looked_at++ < kBatch) {
    const bgp::Prefix prefix = waiting_.back();
    waiting_.pop_back();
    const bgp::Route* route = table.find(prefix);
    if (route == nullptr || !route->next_hops) {  // no way, or our own
      batch.gone.push_back(prefix);
      continue;
    }
    bgp::control::LearnedRoute learned{.prefix = prefix};
    for (const bgp::Way& way : route->next_hops->ways)
      learned.via.push_back({.address = way.next_hop.address,
                             .interface = way.link ? interface_of_(*way.link) : std::string()});
    std::ranges::sort(learned.via);
    const auto repeated = std::ranges::unique(learned.via);
    learned.via.erase(repeated.begin(), repeated.end());
    batch.set.push_back(std::move(learned));
  }
  return batch;
}

void RouteFeed::pump(const bgp::RoutingTable& table) {
  while (!waiting_.empty() && agent_.queued() < kMostQueued) {
    auto batch = next_batch(table);
    if (!batch.set.empty() || !batch.gone.empty()) agent_.say(std::move(batch));
  }
  if (waiting_.empty() && std::exchange(over_due_, false)) agent_.say(bgp::control::RestartOver{});
}

}  // namespace fairlead::speaker
