// Six speakers of one AS that reflect for one another in random ways: what they tell each other
// comes to an end, leads to where it began, and does not outlive it.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

constexpr std::size_t kSpeakers = 6;
constexpr RouteTag kTag{1};

std::uint8_t host_of(std::size_t speaker) { return static_cast<std::uint8_t>(speaker + 1); }
Ip address_of(std::size_t speaker) { return ip_from_v4({10, 0, 0, host_of(speaker)}); }
Prefix pods_of(std::size_t speaker) {
  return {.base = ip_from_v4({10, 1, host_of(speaker), 0}), .length = 24};
}

class Network {
 public:
  explicit Network(unsigned seed) : random_(seed) {
    for (std::size_t i = 0; i < kSpeakers; ++i) {
      const RouterId id{0x0a000000U + host_of(i)};
      tables_.push_back(
          std::make_unique<RoutingTable>(Speaker{.as = kOurAs, .router_id = id, .cluster_id = id}));
      tables_[i]->originate(pods_of(i), kTag);
    }
  }

  /// `a_reflects`: b is a client of a.
  void connect(std::size_t a, std::size_t b, bool a_reflects, bool b_reflects) {
    add(a, b, a_reflects);
    add(b, a, b_reflects);
  }
  std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  RoutingTable& at(std::size_t speaker) { return *tables_[speaker]; }
  [[nodiscard]] bool connected(std::size_t a, std::size_t b) const {
    return peers_.contains({a, b});
  }

  /// Messages of a session keep their order; sessions take turns at random. False: no end in sight.
  bool settle() {
    for (std::size_t deliveries = 0; deliveries < 20'000; ++deliveries) {
      for (std::size_t i = 0; i < kSpeakers; ++i) flush(i);
      std::erase_if(queues_, [](const auto& queue) { return queue.second.empty(); });
      if (queues_.empty()) return true;
      auto& [link, queue] = *std::next(queues_.begin(), below(queues_.size()));
      const auto& [from, to] = link;
      tables_[to]->receive(peers_.at({to, from}), queue.front());
      queue.pop_front();
    }
    return false;
  }

  /// From peer to peer as each heard of it, to who says it is his own. False: a circle.
  bool leads_home(std::size_t speaker, const Prefix& to) {
    for (std::size_t hops = 0; hops <= kSpeakers; ++hops) {
      const Route* route = tables_[speaker]->find(to);
      if (route == nullptr) return false;
      if (route->peer == kOwnRoutes) return pods_of(speaker) == to;
      speaker = neighbours_.at({speaker, route->peer.number});
    }
    return false;
  }

 private:
  void add(std::size_t speaker, std::size_t neighbour, bool reflects) {
    PeerRules peer = internal_rules(host_of(neighbour));
    peer.client = reflects;
    peer.own_routes = {{.tag = kTag}};
    Established up = session(peer, host_of(neighbour));
    up.next_hop.ipv4 = NextHop{.address = address_of(speaker)};
    const PeerId id = tables_[speaker]->add_peer(peer);
    tables_[speaker]->session_up(id, up);
    peers_[{speaker, neighbour}] = id;
    neighbours_[{speaker, id.number}] = neighbour;
  }

  void flush(std::size_t speaker) {
    for (const auto& changes : tables_[speaker]->flush().peers) {
      Update update{.withdrawn = changes.withdrawn};
      for (const auto& [family, attributes, prefixes] : changes.announced)
        update.announced.push_back({family, *attributes, prefixes});
      const std::size_t to = neighbours_.at({speaker, changes.peer.number});
      queues_[{speaker, to}].push_back(std::move(update));
    }
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<RoutingTable>> tables_;
  std::map<std::pair<std::size_t, std::size_t>, PeerId> peers_;  // of the first, the second
  std::map<std::pair<std::size_t, std::uint32_t>, std::size_t> neighbours_;
  std::map<std::pair<std::size_t, std::size_t>, std::deque<Update>> queues_;
};

/// A tree, in which each reflects for those below it. Sessions across it reflect both ways: then
/// everybody hears of everything. Otherwise in any way: a speaker whose best path came from no
/// client hides what others, who are no clients either, have nowhere else (RFC 4456 wants those
/// meshed).
void connect_at_random(Network& network, bool complete) {
  const auto any = [&] { return network.below(2) == 0; };
  for (std::size_t i = 1; i < kSpeakers; ++i) network.connect(network.below(i), i, true, any());
  for (std::size_t a = 0; a < kSpeakers; ++a)
    for (std::size_t b = 0; b < a; ++b)
      if (!network.connected(a, b) && network.below(3) == 0)
        network.connect(a, b, complete || any(), complete || any());
}

void expect_no_repeated_cluster(const PathAttributes& attributes) {
  const std::set<RouterId> clusters(attributes.cluster_list.begin(), attributes.cluster_list.end());
  EXPECT_EQ(clusters.size(), attributes.cluster_list.size());
}

void expect_way_home(Network& network, std::size_t origin, bool everybody) {
  for (std::size_t i = 0; i < kSpeakers; ++i) {
    const Route* route = network.at(i).find(pods_of(origin));
    if (i == origin || (route == nullptr && !everybody)) continue;
    ASSERT_NE(route, nullptr) << i << " does not know " << origin;
    ASSERT_EQ(route->next_hops->ways.size(), 1U);
    EXPECT_EQ(route->next_hops->ways[0].next_hop.address, address_of(origin));
    EXPECT_TRUE(network.leads_home(i, pods_of(origin)));
    expect_no_repeated_cluster(*route->best);
  }
}

void live_and_die(unsigned seed, bool complete) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Network network(seed);
  connect_at_random(network, complete);
  ASSERT_TRUE(network.settle());
  for (std::size_t origin = 0; origin < kSpeakers; ++origin)
    expect_way_home(network, origin, complete);
  const std::size_t gone = network.below(kSpeakers);
  network.at(gone).withdraw(pods_of(gone), kTag);
  ASSERT_TRUE(network.settle());
  for (std::size_t i = 0; i < kSpeakers; ++i)
    EXPECT_EQ(network.at(i).find(pods_of(gone)), nullptr) << i << " keeps a ghost";
}

TEST(Reflection, WhatReflectorsTellEachOtherReachesEverybodyAndEnds) {
  for (unsigned seed = 1; seed <= 100 && !testing::Test::HasFailure(); ++seed)
    live_and_die(seed, true);
}

TEST(Reflection, ReflectionThatHidesRoutesMakesNoCirclesEither) {
  for (unsigned seed = 1; seed <= 100 && !testing::Test::HasFailure(); ++seed)
    live_and_die(seed, false);
}

}  // namespace
}  // namespace fairlead::bgp
