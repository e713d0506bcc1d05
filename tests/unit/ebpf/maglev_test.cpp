// Maglev: even, proportional, the same for everybody, and little disturbed.
#include "dataplane/ebpf/maglev.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fairlead::ebpf {
namespace {

std::vector<Backend> backends(std::size_t count) {
  std::vector<Backend> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back({.address = ip_from_v4({10, 244, static_cast<std::uint8_t>(i / 256),
                                          static_cast<std::uint8_t>(i % 256)}),
                   .port = {8080}});
  return all;
}

std::vector<std::uint16_t> table_of(const std::vector<Backend>& all, std::uint32_t size) {
  std::vector<std::uint16_t> table(size);
  fill_maglev(all, table);
  return table;
}

std::vector<std::uint32_t> counts(const std::vector<std::uint16_t>& table, std::size_t backends) {
  std::vector<std::uint32_t> places(backends);
  for (const std::uint16_t index : table) ++places.at(index);
  return places;
}

TEST(Maglev, HasAPrimeOfPlacesForEachBackend) {
  EXPECT_EQ(maglev_size(0, 100), 0U);
  EXPECT_EQ(maglev_size(1, 100), 0U);
  EXPECT_EQ(maglev_size(2, 100), 251U);
  EXPECT_EQ(maglev_size(10, 100), 1021U);
  EXPECT_EQ(maglev_size(655, 100), 65521U);
  EXPECT_EQ(maglev_size(5000, 100), 65521U);
  EXPECT_EQ(maglev_size(10, 0), 0U);
}

TEST(Maglev, GivesEveryBackendNearlyTheSame) {
  for (const std::size_t count : {2U, 3U, 10U, 100U, 600U}) {
    const auto places = counts(table_of(backends(count), maglev_size(count, 100)), count);
    const auto [least, most] = std::ranges::minmax(places);
    EXPECT_LE(most - least, 1U) << count << " backends: each has one turn in a round";
  }
}

TEST(Maglev, GivesInProportionToWeightAndNobodyNothing) {
  auto all = backends(4);
  all[0].weight = 1;
  all[1].weight = 10;
  all[2].weight = 100;
  all[3].weight = 10000;
  const auto places = counts(table_of(all, 8191), all.size());
  EXPECT_GE(places[0], 1U);
  EXPECT_GE(places[1], 1U);
  EXPECT_NEAR(places[2], 8191.0 * 100 / 10111, 3);
  EXPECT_NEAR(places[3], 8191.0 * 10000 / 10111, 12);
}

TEST(Maglev, MovesLittleOfOthersWhenABackendGoes) {
  const auto before = backends(50);
  const auto old_table = table_of(before, 8191);
  for (const std::size_t gone : {0U, 17U, 49U}) {
    auto after = before;
    after.erase(after.begin() + static_cast<std::ptrdiff_t>(gone));
    const auto new_table = table_of(after, 8191);
    std::size_t moved = 0;
    for (std::size_t place = 0; place < old_table.size(); ++place)
      if (old_table[place] != gone && before[old_table[place]] != after[new_table[place]]) ++moved;
    EXPECT_LT(moved, old_table.size() / 20) << "5 % of the places of those who stay";
  }
}

TEST(Maglev, IsTheSameWhateverElseIsKnownOfABackend) {
  auto here = backends(7);
  auto there = here;
  here[2].local = here[5].local = true;
  there[0].local = true;
  EXPECT_EQ(table_of(here, 1021), table_of(there, 1021));
}

}  // namespace
}  // namespace fairlead::ebpf
