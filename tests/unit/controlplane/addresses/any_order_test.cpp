// Whatever happens in whatever order: one address, one Service, unless they may share it; numbers
// add up; a restart keeps everything; nothing is refused for exhaustion while something is free.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "controlplane/addresses/address_book.hpp"
#include "support.hpp"

namespace fairlead::addresses {
namespace {

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}

  void step() {
    if (one_in(12)) change_pools();
    if (one_in(40)) restart();
    change_service();
    check_sharing();
    check_numbers();
  }

 private:
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  bool one_in(std::size_t bound) { return below(bound) == 0; }

  /// Each pool has a prefix of its own, and grows and shrinks in it.
  void change_pools() {
    const std::string name(1, static_cast<char>('a' + below(3)));
    if (one_in(3)) {
      pools_.erase(name);
      book_.remove_pool(name);
      return;
    }
    const std::string prefix = "10.0." + std::to_string(name[0] - 'a') + ".";
    AddressPool made = pool(name, {prefix + "250-" + prefix + std::to_string(250 + below(6)),
                                   "fd00:" + name + "::/126"});
    made.auto_assign = !one_in(4);
    made.avoid_buggy_ips = one_in(2);
    pools_[name] = made;
    book_.set_pool(made);
  }

  void change_service() {
    const ObjectName name{"default", std::to_string(below(24))};
    if (one_in(5)) {
      services_.erase(name);
      book_.release(name);
      return;
    }
    auto& [wanted, held] = services_[name];
    wanted = wish(name.name);
    if (one_in(3)) wanted.families.push_back(Family::kIpv6);
    wanted.needs_all = one_in(3);
    if (one_in(2)) wanted.sharing_key = one_in(2) ? "x" : "y";
    if (one_in(4)) wanted.backend = "Local:a";
    wanted.ports = {{Protocol::kTcp, Port{static_cast<std::uint16_t>(1 + below(4))}}};
    if (one_in(5)) wanted.requested = {ip("10.0.0.25" + std::to_string(below(6)))};
    if (one_in(5)) wanted.pool = "a";
    const Answer answer = book_.assign(wanted, held);
    check_answer(wanted, held, answer);
    held = answer.addresses;
  }

  void check_answer(const Wish& wanted, const std::vector<Ip>& held, const Answer& answer) {
    for (const Ip& one : answer.addresses) {
      const bool kept = std::ranges::find(held, one) != held.end();
      const bool of_a_pool = std::ranges::any_of(
          pools_, [&](const auto& entry) { return entry.second.may_give(one); });
      EXPECT_TRUE(kept || of_a_pool) << to_string(one);
      EXPECT_NE(std::ranges::find(wanted.families, one.family()), wanted.families.end());
    }
    EXPECT_TRUE(answer.refusal || !answer.addresses.empty());
    const bool exhausted = answer.refusal && answer.refusal->reason == "AddressPoolExhausted";
    if (!exhausted || wanted.families.size() > 1) return;
    for (const auto& [name, made] : pools_) {
      const bool asked = wanted.pool.empty() ? made.auto_assign : wanted.pool == name;
      if (asked) {
        EXPECT_EQ(book_.use_of(name)->available_v4, 0U) << name;
      }
    }
  }

  [[nodiscard]] std::map<Ip, std::vector<const Wish*>> by_address() const {
    std::map<Ip, std::vector<const Wish*>> found;
    for (const auto& [name, service] : services_) {
      for (const Ip& one : service.second) found[one].push_back(&service.first);
      EXPECT_EQ(book_.holds(name), !service.second.empty());
    }
    return found;
  }

  void check_sharing() const {
    for (const auto& [address, wishes] : by_address()) {
      for (std::size_t i = 0; i < wishes.size(); ++i) {
        for (std::size_t j = i + 1; j < wishes.size(); ++j) {
          EXPECT_NE(wishes[i]->sharing_key, "") << to_string(address);
          EXPECT_EQ(wishes[i]->sharing_key, wishes[j]->sharing_key);
          EXPECT_EQ(wishes[i]->backend, wishes[j]->backend);
          EXPECT_NE(wishes[i]->ports, wishes[j]->ports);
        }
      }
    }
  }

  void check_numbers() const {
    const auto addresses = by_address();
    for (const auto& [name, made] : pools_) {
      PoolUse counted;
      for (const auto& [address, wishes] : addresses) {
        if (!made.contains(address)) continue;
        ++(address.is_v4() ? counted.assigned_v4 : counted.assigned_v6);
      }
      EXPECT_EQ(book_.use_of(name)->assigned_v4, counted.assigned_v4) << name;
      EXPECT_EQ(book_.use_of(name)->assigned_v6, counted.assigned_v6) << name;
    }
  }

  /// Another process reads what was written, and goes on.
  void restart() {
    book_ = AddressBook();
    for (const auto& [name, made] : pools_) book_.set_pool(made);
    for (const auto& [name, service] : services_) {
      EXPECT_EQ(book_.keep(service.first, service.second), service.second);
    }
  }

  std::mt19937 random_;
  AddressBook book_;
  std::map<std::string, AddressPool> pools_;
  std::map<ObjectName, std::pair<Wish, std::vector<Ip>>> services_;
};

TEST(AddressBook, HoldsWhateverComesInWhateverOrder) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    World world(seed);
    for (int step = 0; step < 300; ++step) {
      world.step();
      if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace fairlead::addresses
