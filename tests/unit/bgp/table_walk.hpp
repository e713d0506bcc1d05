// A table and its reference that live through the same random events, and are compared.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/framer.hpp"
#include "tests/unit/bgp/table_reference.hpp"

namespace fairlead::bgp::world {

class Walk {
 public:
  explicit Walk(unsigned seed) : random_(seed) {
    for (const PeerRules& it : all_rules()) {
      reference_.peers.push_back({.rules = it});
      table_.add_peer(it);
    }
    for (std::uint32_t i = 0; i < kPeers; ++i) up(i);
  }

  void step() {
    const std::uint32_t peer = below(kPeers);
    const std::uint32_t dice = below(100);
    if (dice < 50) return receive(peer, announce(attributes(peer), {one_prefix()}));
    if (dice < 65) return receive(peer, withdraw({one_prefix()}));
    if (dice < 75) return reference_.peers[peer].up ? down(peer) : up(peer);
    if (dice < 80) return forget_stale(peer);
    if (dice < 90) return change_own();
    if (dice < 95) return change_reachability();
    flush();
  }

  void flush() {
    for (const auto& changes : table_.flush().peers) hear(changes);
    for (const Prefix& it : all_prefixes()) {
      SCOPED_TRACE(to_string(it));
      compare_route(table_, it);
      for (std::uint32_t i = 0; i < kPeers; ++i)
        if (reference_.peers[i].up) compare_told(it, i);
    }
  }

  /// The same end by another way: everybody says what is left, the last peer first.
  void compare_with_a_fresh_table() {
    RoutingTable fresh(speaker());
    for (const PeerRules& it : all_rules()) fresh.add_peer(it);
    for (std::uint32_t i = kPeers; i-- > 0;) {
      fresh.session_up(PeerId{i}, session(reference_.peers[i].rules, host_of(i)));
      for (const auto& [to, said] : reference_.peers[i].said)
        fresh.receive(PeerId{i}, announce(said.attributes, {to}));
    }
    for (const auto& [to, tags] : reference_.own)
      for (const auto& [tag, attributes] : tags) fresh.originate(to, tag, attributes);
    for (const Ip& it : reference_.unreachable) fresh.set_reachable(it, false);
    fresh.flush();
    for (const Prefix& it : all_prefixes()) compare_route(fresh, it);
  }

 private:
  static std::uint8_t host_of(std::uint32_t peer) { return static_cast<std::uint8_t>(peer + 2); }
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  Prefix one_prefix() {
    const auto all = all_prefixes();
    return all[below(static_cast<std::uint32_t>(all.size()))];
  }

  PathAttributes attributes(std::uint32_t peer) {
    const PeerRules& from = reference_.peers[peer].rules;
    PathAttributes said = via("10.0.0." + std::to_string(host_of(below(kPeers))), {});
    for (std::uint32_t i = below(3); i > 0; --i) said.as_path.prepend(AsNumber{65007 + below(2)});
    if (!from.internal()) said.as_path.prepend(from.as);
    if (below(10) == 0) said.as_path.prepend(kOurAs);
    if (below(3) == 0) said.med = below(3);
    if (below(5) == 0) said.communities.push_back(below(2) == 0 ? kNoExport : kNoAdvertise);
    if (!from.internal()) return said;
    if (below(3) == 0) said.local_preference = 90 + below(3) * 10;
    if (below(3) == 0) said.originator_id = RouterId{0x0a000001U + below(8)};
    if (below(3) == 0) said.cluster_list.push_back(RouterId{0x0a000001U + below(4)});
    return said;
  }

  void receive(std::uint32_t peer, Update update) {
    if (!reference_.peers[peer].up) return;
    for (auto& it : update.announced)
      if (it.family == Family::kIpv6) {
        Ip& hop = it.attributes.next_hop.address;
        hop = ip("fd00::" + std::to_string(hop.bytes[15]));
      }
    reference_.peers[peer].receive(update);
    table_.receive(PeerId{peer}, update);
  }
  void up(std::uint32_t peer) {
    ReferencePeer& it = reference_.peers[peer];
    it.session = session(it.rules, host_of(peer));
    it.up = true;
    heard_[peer].clear();
    table_.session_up(PeerId{peer}, it.session);
  }
  void down(std::uint32_t peer) {
    const FamilySet kept{.ipv4 = below(2) == 0, .ipv6 = below(2) == 0};
    reference_.peers[peer].go_down(kept);
    table_.session_down(PeerId{peer}, kept);
  }
  void forget_stale(std::uint32_t peer) {
    reference_.peers[peer].remove_stale();
    table_.remove_stale(PeerId{peer}, {.ipv4 = true, .ipv6 = true});
  }
  void change_own() {
    const Prefix to = one_prefix();
    const RouteTag tag = below(2) == 0 ? kPodTag : kServiceTag;
    if (below(2) == 0) {
      reference_.own[to].erase(tag);
      if (reference_.own[to].empty()) reference_.own.erase(to);
      return table_.withdraw(to, tag);
    }
    PathAttributes own;
    own.med = below(2);
    reference_.own[to][tag] = own;
    table_.originate(to, tag, own);
  }
  void change_reachability() {
    const Ip hop = ip("10.0.0." + std::to_string(host_of(below(kPeers))));
    const bool reachable = below(2) == 0;
    if (reachable)
      reference_.unreachable.erase(hop);
    else
      reference_.unreachable.insert(hop);
    table_.set_reachable(hop, reachable);
  }

  void hear(const PeerChanges& changes) {
    const std::uint32_t peer = changes.peer.number;
    const Negotiated& negotiated = reference_.peers[peer].session.negotiated;
    Bytes stream;
    EXPECT_TRUE(encode(changes, negotiated, stream).empty());
    Framer framer;
    framer.feed(stream);
    for (auto next = framer.next(); next && *next; next = framer.next()) {
      const auto update = std::get<Update>(*decode(**next, negotiated));
      EXPECT_TRUE(update.problems.empty());
      for (const Family family : {Family::kIpv4, Family::kIpv6})
        for (const Prefix& it : update.withdrawn[family])
          EXPECT_EQ(heard_[peer].erase(it), 1U) << "it was never told of " << to_string(it);
      for (const auto& announcement : update.announced)
        for (const Prefix& it : announcement.prefixes) heard_[peer][it] = announcement.attributes;
    }
  }

  void compare_told(const Prefix& to, std::uint32_t peer) {
    SCOPED_TRACE("peer " + std::to_string(peer));
    const auto expected = reference_.told(to, peer);
    const auto heard = heard_[peer].find(to);
    ASSERT_EQ(heard != heard_[peer].end(), expected.has_value());
    if (!expected) return;
    EXPECT_EQ(heard->second, *expected);
  }

  void compare_route(const RoutingTable& table, const Prefix& to) {
    const Route* route = table.find(to);
    const auto expected = reference_.choose(to);
    if (reference_.own.contains(to)) {
      ASSERT_NE(route, nullptr);
      EXPECT_EQ(route->peer, kOwnRoutes);
      return;
    }
    ASSERT_EQ(route == nullptr, expected.empty());
    if (route == nullptr) return;
    EXPECT_EQ(route->peer.number, expected[0].peer);
    EXPECT_EQ(*route->best, *expected[0].attributes);
    std::vector<Ip> hops;
    for (const auto& it : expected) {
      const Ip& hop = it.attributes->next_hop.address;
      if (std::ranges::find(hops, hop) == hops.end() && hops.size() < 4) hops.push_back(hop);
    }
    std::ranges::sort(hops);
    std::vector<Ip> ways;
    for (const auto& way : route->next_hops->ways) ways.push_back(way.next_hop.address);
    EXPECT_EQ(ways, hops);
  }

  std::mt19937 random_;
  RoutingTable table_{speaker()};
  Reference reference_;
  std::map<std::uint32_t, Heard> heard_;
};

}  // namespace fairlead::bgp::world
