#include "dataplane/diff/diff.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "dataplane/diff/slots.hpp"

namespace fairlead {
namespace {

std::vector<int> random_members(std::mt19937& random) {
  std::set<int> members;
  for (std::size_t n = random() % 20; n > 0; --n) members.insert(static_cast<int>(random() % 30));
  return {members.begin(), members.end()};
}

TEST(Diff, AppliedToOneListMakesTheOther) {
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    const auto have = random_members(random), want = random_members(random);
    const auto changes = diff<int>(have, want);
    std::set<int> result(have.begin(), have.end());
    for (const int value : changes.erase) EXPECT_EQ(result.erase(value), 1U);
    for (const int value : changes.add) EXPECT_TRUE(result.insert(value).second);
    EXPECT_EQ(std::vector<int>(result.begin(), result.end()), want);
  }
}

TEST(Differ, SaysTheSameOfWhatIsWantedPieceByPiece) {
  std::mt19937 random(3);
  for (int round = 0; round < 1000; ++round) {
    const auto have = random_members(random), want = random_members(random);
    Differ<int> differ(have);
    auto pieces = want;
    std::ranges::shuffle(pieces, random);
    for (const int value : pieces) differ.want(std::vector{value, pieces.front()});
    EXPECT_EQ(std::move(differ).finish(), diff<int>(have, want));
  }
}

TEST(Slots, HoldEachWantedMemberOnceAndKeepWhoeverMay) {
  std::mt19937 random(2);
  std::vector<int> slots;
  for (int round = 0; round < 1000; ++round) {
    const auto want = random_members(random);
    const std::vector<std::optional<int>> have(slots.begin(), slots.end());
    const auto next = assign_slots<int>(have, want);
    auto sorted = next;
    std::ranges::sort(sorted);
    EXPECT_EQ(sorted, want);
    for (std::size_t i = 0; i < std::min(slots.size(), next.size()); ++i) {
      if (std::ranges::binary_search(want, slots[i])) {
        EXPECT_EQ(next[i], slots[i]);
      }
    }
    slots = next;
  }
}

TEST(Slots, RemovingOneMovesTheLastIntoItsPlace) {
  const std::vector<std::optional<int>> have{5, 3, 9, 7};
  EXPECT_EQ(assign_slots<int>(have, std::vector<int>{5, 7, 9}), (std::vector<int>{5, 7, 9}));
  EXPECT_EQ(assign_slots<int>(have, std::vector<int>{3, 7, 9}), (std::vector<int>{7, 3, 9}));
}

TEST(Slots, EmptyAndDoubleSlotsAreMended) {
  const std::vector<std::optional<int>> have{std::nullopt, 4, 4, 8};
  EXPECT_EQ(assign_slots<int>(have, std::vector<int>{1, 4, 8}), (std::vector<int>{1, 4, 8}));
}

}  // namespace
}  // namespace fairlead
