// The routing table once more, slow and without memory of what was: for each question everything is
// computed from what the peers said last. For comparing with.
#pragma once

#include <set>
#include <tuple>

#include "dataplane/bgp/export_rules.hpp"
#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp::world {

inline constexpr RouteTag kPodTag{1}, kServiceTag{2};
inline constexpr std::uint32_t kPeers = 5;

inline std::vector<Prefix> all_prefixes() {
  std::vector<Prefix> prefixes;
  for (int i = 0; i < 6; ++i) prefixes.push_back(prefix("10." + std::to_string(i) + ".0.0/16"));
  for (int i = 1; i < 4; ++i) prefixes.push_back(prefix("fd0" + std::to_string(i) + "::/64"));
  return prefixes;
}

/// Two external ones, one of them told everything, two clients of the reflector, one other.
inline std::vector<PeerRules> all_rules() {
  std::vector<PeerRules> all{rules(65001, 2), rules(65002, 3), internal_rules(4), internal_rules(5),
                             internal_rules(6)};
  all[1].transit = true;
  all[2].client = all[3].client = true;
  all[3].next_hop_self = true;
  all[4].imports = {{prefix("10.0.0.0/8"), 16, 16}};
  all[0].own_routes = {{.tag = kServiceTag, .communities = {kNoExport}, .prepend = 1}};
  all[2].own_routes = {{.tag = kPodTag}, {.tag = kServiceTag, .local_preference = 50}};
  return all;
}

struct ReferencePeer {
  PeerRules rules{};
  Established session{};
  bool up = false;
  struct Said {
    PathAttributes attributes{};
    bool stale = false;
  };
  std::map<Prefix, Said> said{};

  [[nodiscard]] PeerView view() const { return {rules, session}; }

  void receive(const Update& update) {
    for (const Family family : {Family::kIpv4, Family::kIpv6})
      for (const Prefix& it : update.withdrawn[family]) said.erase(it);
    for (const auto& [family, attributes, prefixes] : update.announced)
      for (const Prefix& it : prefixes) {
        said.erase(it);
        if (!refuse(attributes, speaker(), view()) && allows(rules, it))
          said[it] = {imported(attributes, rules), false};
      }
  }
  void go_down(FamilySet kept) {
    up = false;
    std::erase_if(said,
                  [&](const auto& it) { return !kept[it.first.family()] || it.second.stale; });
    for (auto& [prefix, path] : said) path.stale = true;
  }
  void remove_stale() {
    std::erase_if(said, [](const auto& it) { return it.second.stale; });
  }
};

struct Reference {
  std::vector<ReferencePeer> peers{};  // by PeerId
  std::map<Prefix, std::map<RouteTag, PathAttributes>> own{};
  std::set<Ip> unreachable{};

  struct Chosen {
    std::size_t peer = 0;
    const PathAttributes* attributes = nullptr;
  };

  /// Learned paths that are as good as the best, that one first.
  [[nodiscard]] std::vector<Chosen> choose(const Prefix& to) const {
    std::vector<Chosen> paths;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const auto said = peers[i].said.find(to);
      if (said == peers[i].said.end()) continue;
      const auto& attributes = said->second.attributes;
      if (!unreachable.contains(attributes.next_hop.address)) paths.push_back({i, &attributes});
    }
    keep_least(paths, [](const Chosen& it) {
      return std::tuple(-std::int64_t{it.attributes->local_preference.value_or(100)},
                        it.attributes->as_path.length(), it.attributes->origin);
    });
    std::map<std::optional<AsNumber>, std::vector<Chosen>> neighbours;
    for (const auto& it : paths) neighbours[it.attributes->as_path.first()].push_back(it);
    paths.clear();
    for (auto& [as, of_as] : neighbours) {
      keep_least(of_as, [](const Chosen& it) { return it.attributes->med.value_or(0); });
      paths.insert(paths.end(), of_as.begin(), of_as.end());
    }
    keep_least(paths, [&](const Chosen& it) { return peers[it.peer].rules.internal(); });
    std::ranges::sort(paths, {}, [&](const Chosen& it) {
      const auto& peer = peers[it.peer];
      return std::tuple(it.attributes->originator_id.value_or(peer.session.router_id),
                        it.attributes->cluster_list.size(), peer.rules.address);
    });
    return paths;
  }

  [[nodiscard]] std::optional<PathAttributes> told(const Prefix& to, std::size_t whom) const {
    const ReferencePeer& peer = peers[whom];
    if (const auto found = own.find(to); found != own.end()) {
      for (const auto& rule : peer.rules.own_routes)
        if (const auto route = found->second.find(rule.tag); route != found->second.end())
          return own_route(route->second, to.family(), rule, peer.view());
      return std::nullopt;
    }
    const auto paths = choose(to);
    if (paths.empty() || !may_pass(peers[paths[0].peer].rules, peer.rules)) return std::nullopt;
    return passed_on(*paths[0].attributes, to.family(), speaker(), peers[paths[0].peer].view(),
                     peer.view());
  }

 private:
  template <class Key>
  static void keep_least(std::vector<Chosen>& paths, Key key) {
    std::vector<Chosen> kept;
    for (const auto& it : paths) {
      const bool beaten =
          std::ranges::any_of(paths, [&](const Chosen& other) { return key(other) < key(it); });
      if (!beaten) kept.push_back(it);
    }
    paths = kept;
  }
};

}  // namespace fairlead::bgp::world
