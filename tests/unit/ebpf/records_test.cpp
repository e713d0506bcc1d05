// Places for blocks: nothing twice, nothing lost, nothing again too soon.
#include "dataplane/ebpf/records.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <future>
#include <map>
#include <random>
#include <set>

#include "tests/steps/steps.hpp"

namespace fairlead::ebpf {
namespace {

TEST(Records, WaitForTheGraceBeforeTheyAreUsedAgain) {
  std::atomic<int> graces = 0;
  RecordAllocator records(101, [&] { ++graces; });
  const auto first = records.take(60);
  ASSERT_TRUE(first);
  EXPECT_GE(*first, 1U) << "record 0 is never used";
  records.give_back(*first, 60);
  EXPECT_EQ(records.used(), 0U);
  EXPECT_EQ(graces, 0) << "nobody needs them";
  ASSERT_TRUE(records.take(41)) << "there is no other place";
  EXPECT_EQ(graces, 1);
}

TEST(Records, OfWhichThereAreOthersAreNotWaitedFor) {
  std::promise<void> end;
  const std::shared_future<void> grace = end.get_future().share();
  RecordAllocator records(1001, [=] { grace.wait(); });
  std::set<std::uint32_t> given_back;
  for (int change = 0; change < 40; ++change) {
    const auto place = records.take(20);
    ASSERT_TRUE(place);
    EXPECT_FALSE(given_back.contains(*place)) << "its grace is not over";
    records.give_back(*place, 20);
    given_back.insert(*place);
  }
  end.set_value();
  for (int change = 0; change < 1000; ++change) {
    const auto place = records.take(20);
    ASSERT_TRUE(place) << "they come again";
    records.give_back(*place, 20);
  }
}

TEST(Records, ThatAreNearlyFullAreAsMuchWorkAsEmptyOnes) {
  constexpr std::uint32_t kBlock = 20, kCapacity = 1 << 17;
  const auto steps = test::steps_of([&](const test::CountSteps& count) {
    for (const std::uint32_t percent : {1U, 97U}) {
      RecordAllocator records(kCapacity, [] {});
      std::deque<std::uint32_t> blocks;
      while (records.used() < kCapacity / 100 * percent) blocks.push_back(*records.take(kBlock));
      const auto change = [&](int times) {
        for (; times > 0; --times) {
          blocks.push_back(*records.take(kBlock));
          records.give_back(blocks.front(), kBlock);
          blocks.pop_front();
        }
      };
      change(5000);  // free places lie here and there
      count([&] { change(3); });
    }
  });
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_LT(steps[1], steps[0] * 4) << "a logarithm of it";
}

TEST(Records, ThatWereNeverPublishedAreFreeAtOnce) {
  int graces = 0;
  RecordAllocator records(11, [&] { ++graces; });
  const auto place = records.take(10);
  ASSERT_TRUE(place);
  records.give_back_unused(*place, 10);
  EXPECT_EQ(records.take(10), place);
  EXPECT_EQ(graces, 0);
}

TEST(Records, ThatAreFullSaySo) {
  RecordAllocator records(11, [] {});
  EXPECT_FALSE(records.take(11));
  ASSERT_TRUE(records.take(10));
  EXPECT_FALSE(records.take(1));
}

TEST(Records, KnownToBeInUseAreTakenOnce) {
  RecordAllocator records(100, [] {});
  EXPECT_TRUE(records.take_at(10, 20));
  EXPECT_FALSE(records.take_at(15, 2));
  EXPECT_FALSE(records.take_at(29, 5));
  EXPECT_FALSE(records.take_at(90, 11)) << "beyond the end";
  EXPECT_TRUE(records.take_at(30, 70));
  EXPECT_EQ(records.take(9), 1U);
  EXPECT_EQ(records.used(), 99U);
}

TEST(Records, NeverOverlapAndNeverGetLost) {
  constexpr std::uint32_t kCapacity = 2000;
  RecordAllocator records(kCapacity, [] {});
  std::mt19937 random(7);
  std::map<std::uint32_t, std::uint32_t> held;
  for (int step = 0; step < 20000; ++step) {
    const auto size = static_cast<std::uint32_t>(1 + random() % 60);
    if (random() % 2 == 0) {
      if (const auto place = records.take(size)) {
        auto after = held.lower_bound(*place);
        ASSERT_TRUE(after == held.end() || *place + size <= after->first);
        ASSERT_TRUE(after == held.begin() ||
                    std::prev(after)->first + std::prev(after)->second <= *place);
        held[*place] = size;
      }
    } else if (!held.empty()) {
      auto gone = held.lower_bound(static_cast<std::uint32_t>(random() % kCapacity));
      if (gone == held.end()) gone = held.begin();
      records.give_back(gone->first, gone->second);
      held.erase(gone);
    }
  }
  for (const auto& [index, size] : held) records.give_back(index, size);
  EXPECT_EQ(records.used(), 0U);
  EXPECT_EQ(records.take(kCapacity - 1), 1U) << "all of it is one place again";
}

}  // namespace
}  // namespace fairlead::ebpf
