// Which path wins, step by step, and that the order of arrival never matters.
#include <gtest/gtest.h>

#include "dataplane/bgp/selection.hpp"
#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

/// As somebody would write a row of a table.
struct PathCase {
  std::vector<std::uint32_t> as_path{65001};
  std::optional<std::uint32_t> local_preference{};
  Origin origin = Origin::kIgp;
  std::optional<std::uint32_t> med{};
  bool external = true;
  std::uint32_t router_id = 1;
  std::optional<std::uint32_t> originator{};
  std::size_t clusters = 0;
  std::uint8_t address = 1;
  bool own = false;
};

struct SelectionCase {
  const char* sentence;
  std::vector<PathCase> paths;  // the best first
  std::size_t equals = 1;       // of them, from the first
};

std::vector<SelectionCase> cases() {
  return {
      {"AnOnlyPathIsTheBest", {{}}},
      {"OwnRoutesBeatEverything",
       {{.local_preference = 1, .own = true}, {.local_preference = 500}}},
      {"TheHighestLocalPreferenceWins",
       {{.as_path = {1, 2, 3}, .local_preference = 200}, {.local_preference = 150}}},
      {"WithoutLocalPreferenceItIs100",
       {{.as_path = {1, 2}, .local_preference = 101},
        {},
        {.as_path = {1}, .local_preference = 99}}},
      {"TheShortestPathWins",
       {{.as_path = {1}, .origin = Origin::kIncomplete}, {.as_path = {1, 2}}}},
      {"TheLowestOriginWins",
       {{.origin = Origin::kIgp, .med = 9},
        {.origin = Origin::kEgp, .med = 5},
        {.origin = Origin::kIncomplete}}},
      {"TheLowestMedOfOneNeighbourWins", {{.med = 5, .external = false}, {.med = 6}}},
      {"NoMedIsZero", {{.external = false}, {.med = 1}}},
      {"MedsOfTwoNeighboursAreNotCompared",
       {{.as_path = {1}, .med = 9, .router_id = 1}, {.as_path = {2}, .med = 5, .router_id = 2}},
       2},
      {"ExternalPathsBeatInternalOnes",
       {{.external = true, .router_id = 9}, {.external = false, .router_id = 1}}},
      {"TheLowestRouterIdBreaksTheTie", {{.router_id = 1, .address = 9}, {.router_id = 2}}, 2},
      {"TheOriginatorStandsInForTheRouterId",
       {{.router_id = 9, .originator = 1}, {.router_id = 2}},
       2},
      {"TheShortestClusterListBreaksTheTie",
       {{.originator = 1, .clusters = 1, .address = 9}, {.originator = 1, .clusters = 2}},
       2},
      {"TheLowestAddressIsTheLastWord", {{.address = 1}, {.address = 2}, {.address = 3}}, 3},
      // Pairwise: the first beats the second by MED, the second the third by router id, the third
      // the first by router id. RFC 4271 9.1.2.2 c removes the second before any id is looked at.
      {"APathThatIsBeatenByMedBeatsNobody",
       {{.as_path = {2}, .med = 0, .router_id = 2},
        {.as_path = {1}, .med = 1, .router_id = 3},
        {.as_path = {1}, .med = 2, .router_id = 1}},
       2},
  };
}

std::vector<PathAttributes> attributes_of(const std::vector<PathCase>& paths) {
  std::vector<PathAttributes> all;
  for (const auto& it : paths) {
    auto& attributes = all.emplace_back(via("10.0.0.9", it.as_path));
    attributes.local_preference = it.local_preference;
    attributes.origin = it.origin;
    attributes.med = it.med;
    if (it.originator) attributes.originator_id = RouterId{*it.originator};
    attributes.cluster_list.resize(it.clusters);
  }
  return all;
}

TEST(Selection, PathsAreComparedByTheStepsOfTheStandardInAnyOrderOfArrival) {
  for (const auto& [sentence, paths, equals] : cases()) {
    SCOPED_TRACE(sentence);
    const auto attributes = attributes_of(paths);
    std::vector<std::size_t> order(paths.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    do {
      std::vector<Candidate> candidates;
      for (const std::size_t i : order)
        candidates.push_back(
            {.attributes = &attributes[i],
             .peer = paths[i].own ? kOwnRoutes : PeerId{static_cast<std::uint32_t>(i)},
             .external = paths[i].external,
             .router_id = RouterId{paths[i].router_id},
             .peer_address = ip_from_v4({10, 0, 0, paths[i].address})});
      select(candidates);
      ASSERT_EQ(candidates.size(), equals);
      for (std::size_t i = 0; i < equals; ++i)
        EXPECT_EQ(candidates[i].attributes, &attributes[i]) << "place " << i;
    } while (std::ranges::next_permutation(order).found);
  }
}

}  // namespace
}  // namespace fairlead::bgp
