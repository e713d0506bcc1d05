// Nodes on a simulated link: who answers after what.
#include "dataplane/layer2/holdings.hpp"

#include <gmock/gmock.h>

#include "link.hpp"

namespace fairlead::layer2 {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const Ip kAddress = ip_from_v4({192, 0, 2, 1});

TEST(Holdings, TheFirstByRankAnswersAtOnceAndNobodyElseDoes) {
  TestLink link(3);
  link.set_ranks(kAddress, {2, 1, 3});
  EXPECT_THAT(link.holders(kAddress), ElementsAre(2));
  link.pass(60s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(2));
  EXPECT_EQ(link.said[Action::Kind::kHold], 1);
}

TEST(Holdings, ATakenAddressIsAnnouncedFourTimes) {
  TestLink link(1);
  link.set_ranks(kAddress, {1});
  link.pass(60s);
  EXPECT_EQ(link.said[Action::Kind::kAnnounce], 4);
}

TEST(Holdings, ADeadNodesAddressIsTakenByTheSecondWithinASecond) {
  TestLink link(3);
  link.set_ranks(kAddress, {1, 2, 3});
  link.pass(5s);
  link.node(1).side = -1;
  link.pass(1s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(2));
  link.pass(60s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(2));
}

TEST(Holdings, TheThirdTakesItWhenTheSecondIsDeadToo) {
  TestLink link(4);
  link.set_ranks(kAddress, {1, 2, 3, 4});
  link.pass(5s);
  link.node(1).side = link.node(2).side = -1;
  link.pass(1600ms);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(3));
}

TEST(Holdings, TheFirstTakesItBackAndTheSecondGivesItUp) {
  TestLink link(3);
  link.set_ranks(kAddress, {1, 2, 3});
  link.pass(5s);
  link.node(1).side = -1;
  link.pass(2s);
  link.node(1).answers.clear();  // it was started anew
  link.node(1).side = 0;
  link.start_agent(1);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
  link.pass(10s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
}

TEST(Holdings, ADeadAgentsAddressStaysWhereItIs) {
  TestLink link(3);
  link.set_ranks(kAddress, {1, 2, 3});
  link.pass(1s);
  link.kill_agent(1);
  link.pass(60s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
}

TEST(Holdings, AnAgentThatStartsAgainKeepsWhatItHasWithoutAWord) {
  TestLink link(3);
  link.set_ranks(kAddress, {1, 2, 3});
  link.pass(10s);
  link.kill_agent(1);
  link.said.clear();
  link.start_agent(1);
  link.pass(10s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
  EXPECT_EQ(link.said[Action::Kind::kHold], 0);
  EXPECT_EQ(link.said[Action::Kind::kAnnounce], 0);
  EXPECT_EQ(link.node(1).holdings.taken(), 0U);
}

TEST(Holdings, ABorrowedAddressStaysThroughARestartToo) {
  TestLink link(2);
  link.set_ranks(kAddress, {1, 2});
  link.node(1).side = -1;
  link.pass(2s);
  link.kill_agent(2);
  link.start_agent(2);
  link.pass(10s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(2));
}

TEST(Holdings, ANewAddressOfANodeWithoutAgentIsTakenByTheSecond) {
  TestLink link(3);
  link.kill_agent(1);
  link.set_ranks(kAddress, {1, 2, 3});
  link.pass(1s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(2));
}

TEST(Holdings, AnAddressThatALivingHolderDoesNotAnswerForIsTaken) {
  TestLink link(2);
  const Ip other = ip_from_v4({192, 0, 2, 2});
  link.set_ranks(kAddress, {1, 2});
  link.set_ranks(other, {1, 2});
  link.pass(2s);
  link.kill_agent(1);
  link.node(1).answers.erase(other);
  link.pass(2s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
  EXPECT_THAT(link.holders(other), ElementsAre(2));
}

TEST(Holdings, ADeadAgentsNodeCedesWhatAnotherTakes) {
  TestLink link(2);
  link.set_ranks(kAddress, {1, 2});
  link.pass(2s);
  link.kill_agent(1);
  link.set_ranks(kAddress, {2, 1});
  EXPECT_THAT(link.holders(kAddress), ElementsAre(2));
}

TEST(Holdings, AChangeOfRanksMovesItWithoutAMomentOfNobody) {
  TestLink link(2);
  link.set_ranks(kAddress, {1, 2});
  link.node(1).holdings.set_places({{kAddress, {kLink, link.node(1).mac, 2}}}, link.now());
  link.pass(2s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));  // the other does not know yet
  link.set_ranks(kAddress, {2, 1});
  EXPECT_THAT(link.holders(kAddress), ElementsAre(2));
}

TEST(Holdings, ANodeThatMayNoLongerAnswerWaitsForAnotherButNotForLong) {
  TestLink link(1);
  link.set_ranks(kAddress, {1});
  link.set_ranks(kAddress, {0});
  link.pass(1s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
  link.pass(2s);
  EXPECT_THAT(link.holders(kAddress), IsEmpty());
}

TEST(Holdings, AnAddressThatIsNotWantedIsReleasedAtOnce) {
  TestLink link(2);
  link.set_ranks(kAddress, {1, 2});
  link.forget(kAddress);
  EXPECT_THAT(link.holders(kAddress), IsEmpty());
  link.pass(5s);
  EXPECT_THAT(link.holders(kAddress), IsEmpty());
}

TEST(Holdings, WhatAnEarlierAgentLeftAndNobodyWantsIsReleased) {
  Holdings holdings;
  holdings.adopt(kAddress, kLink, {2, 0, 0, 0, 0, 1});
  holdings.set_places({}, SteadyTime(1h));
  const auto actions = holdings.take_actions();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Action::Kind::kRelease);
  EXPECT_EQ(actions[0].link, kLink);
}

TEST(Holdings, BothSidesOfASplitLinkHaveAHolderAndOneIsLeftWhenItHeals) {
  TestLink link(4);
  link.set_ranks(kAddress, {1, 2, 3, 4});
  link.pass(5s);
  link.node(2).side = link.node(3).side = 1;
  link.pass(2s);
  EXPECT_THAT(link.holders(kAddress, 0), ElementsAre(1));
  EXPECT_THAT(link.holders(kAddress, 1), ElementsAre(2));
  link.node(2).side = link.node(3).side = 0;
  link.pass(1s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
}

TEST(Holdings, AHolderWhoseLinkGetsAnotherMacSaysSo) {
  Holdings holdings;
  const MacBytes before{2, 0, 0, 0, 0, 1}, after{2, 0, 0, 0, 0, 9};
  holdings.set_places({{kAddress, {kLink, before, 1}}}, SteadyTime(1h));
  holdings.take_actions();
  holdings.set_places({{kAddress, {kLink, after, 1}}}, SteadyTime(1h));
  std::vector<Action::Kind> kinds;
  for (const Action& action : holdings.take_actions()) kinds.push_back(action.kind);
  EXPECT_THAT(kinds,
              ElementsAre(Action::Kind::kRelease, Action::Kind::kHold, Action::Kind::kAnnounce));
}

TEST(Holdings, AForeignHostWithTheAddressIsCountedAndAnnouncedAgainstOnceASecond) {
  TestLink link(1);
  link.set_ranks(kAddress, {1});
  link.pass(10s);
  link.said.clear();
  Holdings& holdings = link.node(1).holdings;
  const MacBytes foreign{2, 0, 0, 0, 0, 99};
  for (int i = 0; i < 10; ++i) holdings.hear(kLink, {true, kAddress, foreign}, link.now());
  link.pass(200ms);
  EXPECT_EQ(link.said[Action::Kind::kAnnounce], 1);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
  EXPECT_EQ(holdings.conflicts(), 10U);
  EXPECT_EQ(holdings.holdings().at(kAddress).other, foreign);
}

TEST(Holdings, WhatIsHeardOnAnotherLinkIsOfNoConcern) {
  TestLink link(2);
  link.set_ranks(kAddress, {1, 2});
  link.node(1).holdings.hear(kLink + 1, {true, kAddress, {2, 0, 0, 0, 0, 99}}, link.now());
  EXPECT_EQ(link.node(1).holdings.conflicts(), 0U);
}

TEST(Holdings, AHostWithManyAddressesIsAskedForOneEachTime) {
  TestLink link(2);
  for (std::uint8_t i = 1; i <= 100; ++i) link.set_ranks(ip_from_v4({192, 0, 2, i}), {1, 2});
  link.pass(5s);
  link.said.clear();
  link.pass(2s);
  EXPECT_LE(link.said[Action::Kind::kAsk], 10 + 100);  // and the first asks about its own
  link.node(1).side = -1;
  link.pass(1s);
  for (std::uint8_t i = 1; i <= 100; ++i)
    EXPECT_THAT(link.holders(ip_from_v4({192, 0, 2, i})), ElementsAre(2)) << int{i};
}

TEST(Holdings, AStoppedAgentThatRunsAgainTakesNothingThatIsAnswered) {
  TestLink link(2);
  link.set_ranks(kAddress, {1, 2});
  link.pass(1s);
  link.kill_agent(2);  // SIGSTOP
  link.pass(60s);
  link.node(2).has_agent = true;  // SIGCONT
  link.pass(5s);
  EXPECT_THAT(link.holders(kAddress), ElementsAre(1));
  EXPECT_EQ(link.node(2).holdings.taken(), 0U);
}

}  // namespace
}  // namespace fairlead::layer2
