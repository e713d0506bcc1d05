// A link with nodes, each of them an agent's Holdings and what its program in the kernel would do;
// time passes only when a test says so.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "dataplane/layer2/holdings.hpp"

namespace fairlead::layer2 {

constexpr int kLink = 7;

class TestLink {
 public:
  struct TestNode {
    Holdings holdings;
    MacBytes mac{};
    std::set<Ip> answers;  // its program does
    bool has_agent = true;
    int side = 0;  // those of one side hear one another; -1: dead
  };

  explicit TestLink(std::size_t nodes) {
    for (std::size_t i = 1; i <= nodes; ++i) add_node();
  }
  void add_node() {
    const auto number = static_cast<std::uint8_t>(nodes_.size() + 1);
    nodes_.push_back({.holdings = Holdings(), .mac = {2, 0, 0, 0, 0, number}, .answers = {}});
  }
  TestNode& node(std::size_t number) { return nodes_.at(number - 1); }
  [[nodiscard]] SteadyTime now() const { return now_; }

  /// Ranks of the nodes for an address, from the first node on.
  void set_ranks(const Ip& address, const std::vector<std::size_t>& ranks) {
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      TestNode& at = nodes_[i];
      places_[i][address] = {kLink, at.mac, ranks[i]};
      if (at.has_agent) set_places(i);
    }
    work();
  }
  void forget(const Ip& address) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      places_[i].erase(address);
      if (nodes_[i].has_agent) set_places(i);
    }
    work();
  }
  void kill_agent(std::size_t number) { node(number).has_agent = false; }
  /// A new one finds what the program answers for.
  void start_agent(std::size_t number) {
    TestNode& at = node(number);
    at.holdings = Holdings();
    at.has_agent = true;
    for (const Ip& address : at.answers) at.holdings.adopt(address, kLink, at.mac);
    set_places(number - 1);
    work();
  }

  void pass(std::chrono::milliseconds time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += Times().ask;
      for (TestNode& at : nodes_)
        if (at.has_agent && at.side >= 0) at.holdings.tick(now_);
      work();
    }
  }

  /// Numbers of the nodes that answer for an address, on one side.
  [[nodiscard]] std::vector<std::size_t> holders(const Ip& address, int side = 0) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].side == side && nodes_[i].answers.contains(address)) found.push_back(i + 1);
    return found;
  }
  /// What is said on the link, by kind.
  std::map<Action::Kind, int> said;

 private:
  void set_places(std::size_t index) { nodes_[index].holdings.set_places(places_[index], now_); }

  void work() {
    for (bool more = true; more;) {
      more = false;
      for (TestNode& at : nodes_) {
        if (!at.has_agent) continue;
        for (const Action& action : at.holdings.take_actions()) {
          carry_out(at, action);
          more = true;
        }
      }
    }
  }
  void carry_out(TestNode& at, const Action& action) {
    ++said[action.kind];
    switch (action.kind) {
      case Action::Kind::kHold:
        at.answers.insert(action.address);
        break;
      case Action::Kind::kRelease:
        at.answers.erase(action.address);
        break;
      case Action::Kind::kAnnounce:
        tell_all(at, action.address);
        break;
      case Action::Kind::kAsk:
      case Action::Kind::kProbe:
        ask(at, action);
        break;
    }
  }
  void tell_all(TestNode& sender, const Ip& address) {
    for (TestNode& other : nodes_) {
      if (&other == &sender || other.side != sender.side || other.side < 0) continue;
      other.answers.erase(address);  // the program cedes
      if (other.has_agent) other.holdings.hear(kLink, {true, address, sender.mac}, now_);
    }
  }
  void ask(TestNode& asking, const Action& action) {
    for (TestNode& other : nodes_) {
      const bool is_asked = !action.to || *action.to == other.mac;
      if (&other == &asking || other.side != asking.side || other.side < 0 || !is_asked ||
          !other.answers.contains(action.address))
        continue;
      if (action.kind == Action::Kind::kProbe)
        tell_all(other, action.address);
      else
        asking.holdings.hear(kLink, {false, action.address, other.mac}, now_);
    }
  }

  SteadyTime now_{std::chrono::hours(1)};
  std::deque<TestNode> nodes_;
  std::map<std::size_t, std::map<Ip, Place>> places_;
};

}  // namespace fairlead::layer2
