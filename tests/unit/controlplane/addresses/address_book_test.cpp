// Who gets which address, and what is refused in which words.
#include "controlplane/addresses/address_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support.hpp"

namespace fairlead::addresses {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> texts(const std::vector<Ip>& ips) {
  std::vector<std::string> result;
  for (const Ip& one : ips) result.push_back(to_string(one));
  return result;
}
std::vector<std::string> given(AddressBook& book, const Wish& wish,
                               const std::vector<Ip>& held = {}) {
  return texts(book.assign(wish, held).addresses);
}
std::string why(const Answer& answer) {
  return answer.refusal ? answer.refusal->reason + ": " + answer.refusal->message : "";
}

TEST(AddressBook, GivesTheLowestFreeAddress) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/30", "198.51.100.7-198.51.100.7"}));
  for (const char* wanted : {"192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.7"}) {
    EXPECT_THAT(given(book, wish(wanted)), ElementsAre(wanted));
  }
  book.release({"default", "192.0.2.2"});
  book.release({"default", "192.0.2.1"});
  EXPECT_THAT(given(book, wish("x")), ElementsAre("192.0.2.1"));
  EXPECT_EQ(*book.use_of("a"), (PoolUse{4, 0, 1, 0}));
}

TEST(AddressBook, AvoidsWhatThePoolAvoids) {
  AddressBook book;
  AddressPool avoiding = pool("a", {"192.0.2.254-192.0.3.1"});
  avoiding.avoid_buggy_ips = true;
  book.set_pool(avoiding);
  EXPECT_EQ(book.use_of("a")->available_v4, 2U);
  EXPECT_THAT(given(book, wish("a")), ElementsAre("192.0.2.254"));
  EXPECT_THAT(given(book, wish("b")), ElementsAre("192.0.3.1"));
  EXPECT_EQ(
      why(book.assign(asking("c", "192.0.3.0"), {})),
      "AddressNotInPool: the requested address 192.0.3.0 is one that AddressPool \"a\" avoids");
}

TEST(AddressBook, SaysWhichPoolsAreExhaustedAndHowLargeTheyAre) {
  AddressBook book;
  EXPECT_EQ(why(book.assign(wish("a"), {})), "NoAddressPool: no AddressPool exists");
  book.set_pool(pool("a", {"192.0.2.0/31"}));
  book.set_pool(pool("b", {"198.51.100.0/32"}));
  for (const char* name : {"1", "2", "3"}) EXPECT_EQ(why(book.assign(wish(name), {})), "");
  const Answer none = book.assign(wish("4"), {});
  EXPECT_THAT(none.addresses, IsEmpty());
  EXPECT_EQ(why(none),
            "AddressPoolExhausted: all IPv4 addresses are assigned of AddressPools \"a\" (2), "
            "\"b\" (1)");
  EXPECT_EQ(why(book.assign(wish("6", {Family::kIpv6}), {})),
            "NoAddressPool: no AddressPool gives IPv6 addresses to this Service");
}

TEST(AddressBook, GivesWhatIsRequested) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/24"}));
  AddressPool reserved = pool("b", {"198.51.100.0/24"});
  reserved.auto_assign = false;
  reserved.namespaces = {"default"};
  book.set_pool(reserved);
  EXPECT_THAT(given(book, asking("a", "192.0.2.77")), ElementsAre("192.0.2.77"));
  EXPECT_THAT(given(book, asking("b", "198.51.100.1")), ElementsAre("198.51.100.1"));
  EXPECT_EQ(why(book.assign(asking("c", "192.0.2.77"), {})),
            "AddressInUse: the requested address 192.0.2.77 belongs to Service default/a");
  EXPECT_EQ(why(book.assign(asking("c", "203.0.113.1"), {})),
            "AddressNotInPool: the requested address 203.0.113.1 is in no AddressPool");
  Wish other = asking("c", "198.51.100.2");
  other.service.ns = "other";
  EXPECT_EQ(
      why(book.assign(other, {})),
      "AddressNotInPool: the requested address 198.51.100.2 is of AddressPool \"b\", which is "
      "not for this Service");
  Wish both = asking("c", "192.0.2.1");
  both.pool = "b";
  EXPECT_EQ(why(book.assign(both, {})),
            "AddressNotInPool: the requested address 192.0.2.1 is of AddressPool \"a\", not of "
            "\"b\"");
}

TEST(AddressBook, KeepsWhatItHasWhenWhatItAsksForCannotBeHad) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/24"}));
  book.assign(asking("other", "192.0.2.9"), {});
  const auto first = book.assign(wish("web"), {}).addresses;
  const Answer refused = book.assign(asking("web", "192.0.2.9"), first);
  EXPECT_EQ(refused.addresses, first);
  EXPECT_EQ(why(refused),
            "AddressInUse: the requested address 192.0.2.9 belongs to Service default/other");
  book.take_freed();
  EXPECT_THAT(given(book, asking("web", "192.0.2.8"), first), ElementsAre("192.0.2.8"));
  EXPECT_TRUE(book.take_freed()) << "its old one is free";
  Wish mistaken = wish("web");
  mistaken.mistake = Refusal{"BadAnnotation", "no"};
  EXPECT_THAT(given(book, mistaken, {ip("192.0.2.8")}), ElementsAre("192.0.2.8"));
  EXPECT_EQ(why(book.assign(mistaken, {})), "BadAnnotation: no");
}

TEST(AddressBook, AsksTheNamedPoolAndPoolsForSomeBeforePoolsForAll) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/24"}));
  AddressPool front = pool("front", {"198.51.100.0/24"});
  front.services.requirements = {{"tier", LabelRequirement::Operator::kIn, {"front"}}};
  book.set_pool(front);
  AddressPool quiet = pool("quiet", {"203.0.113.0/24"});
  quiet.auto_assign = false;
  book.set_pool(quiet);
  Wish labelled = wish("front");
  labelled.labels = {{"tier", "front"}};
  EXPECT_THAT(given(book, labelled), ElementsAre("198.51.100.0"));
  EXPECT_THAT(given(book, wish("any")), ElementsAre("192.0.2.0"));
  Wish named = wish("named");
  named.pool = "quiet";
  EXPECT_THAT(given(book, named), ElementsAre("203.0.113.0"));
  named.pool = "front";
  EXPECT_EQ(why(book.assign(named, {ip("203.0.113.0")})),
            "NoAddressPool: AddressPool \"front\" is not for this Service");
  named.pool = "none";
  EXPECT_EQ(why(book.assign(named, {})), "NoAddressPool: AddressPool \"none\" does not exist");
  named.pool = "a";
  EXPECT_THAT(given(book, named, {ip("203.0.113.0")}), ElementsAre("192.0.2.1"))
      << "it asks for another pool than before";
}

TEST(AddressBook, SharesByKeyWherePortsDiffer) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/24"}));
  EXPECT_THAT(given(book, wish("alone")), ElementsAre("192.0.2.0"));
  EXPECT_THAT(given(book, sharing("a", 80)), ElementsAre("192.0.2.1"));
  EXPECT_THAT(given(book, sharing("b", 443)), ElementsAre("192.0.2.1"));
  EXPECT_THAT(given(book, sharing("c", 80)), ElementsAre("192.0.2.2"));
  EXPECT_THAT(given(book, sharing("d", 81, "Local:a")), ElementsAre("192.0.2.3"));
  EXPECT_THAT(given(book, sharing("e", 82, "Local:a")), ElementsAre("192.0.2.3"));
  EXPECT_THAT(given(book, sharing("f", 83, "Local:b")), ElementsAre("192.0.2.4"));
  EXPECT_EQ(book.use_of("a")->assigned_v4, 5U);
  const Wish thief = asking("thief", "192.0.2.1");
  EXPECT_EQ(
      why(book.assign(thief, {})),
      "AddressInUse: the requested address 192.0.2.1 belongs to Service default/a and 1 more");
  book.release({"default", "a"});
  EXPECT_THAT(given(book, sharing("g", 80)), ElementsAre("192.0.2.1"));
  book.release({"default", "b"});
  book.release({"default", "g"});
  EXPECT_THAT(given(book, thief), ElementsAre("192.0.2.1"));
}

TEST(AddressBook, MovesTheServiceWhosePortCollides) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/24"}));
  book.assign(sharing("a", 80), {});
  const auto shared = book.assign(sharing("b", 81), {}).addresses;
  EXPECT_THAT(texts(shared), ElementsAre("192.0.2.0"));
  const Answer moved = book.assign(sharing("b", 80), shared);
  EXPECT_THAT(texts(moved.addresses), ElementsAre("192.0.2.1"));
  EXPECT_EQ(why(moved), "AddressInUse: 192.0.2.0 belongs to Service default/a");
}

TEST(AddressBook, GivesOneAddressAFamily) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/31"}));
  const std::vector<Family> both{Family::kIpv4, Family::kIpv6};
  EXPECT_THAT(given(book, wish("prefers", both)), ElementsAre("192.0.2.0"));
  EXPECT_EQ(why(book.assign(wish("prefers", both), {ip("192.0.2.0")})), "");
  Wish needs = wish("needs", both);
  needs.needs_all = true;
  const Answer none = book.assign(needs, {});
  EXPECT_THAT(none.addresses, IsEmpty());
  EXPECT_EQ(why(none), "NoAddressPool: no AddressPool gives IPv6 addresses to this Service");
  EXPECT_EQ(book.use_of("a")->assigned_v4, 1U);
  book.set_pool(pool("six", {"fd00::/64"}));
  EXPECT_THAT(given(book, needs), ElementsAre("192.0.2.1", "fd00::"));
  EXPECT_THAT(given(book, wish("prefers", both), {ip("192.0.2.0")}),
              ElementsAre("192.0.2.0", "fd00::1"));
  EXPECT_EQ(*book.use_of("six"), (PoolUse{0, 2, 0, PoolUse::kMost - 2}));
  EXPECT_THAT(given(book, wish("needs"), {ip("192.0.2.1"), ip("fd00::")}), ElementsAre("192.0.2.1"))
      << "it has given up a family";
  EXPECT_EQ(book.use_of("six")->assigned_v6, 1U);
}

TEST(AddressBook, AtStartTheFirstKeepsWhatTwoHave) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/24"}));
  EXPECT_THAT(texts(book.keep(wish("a"), {ip("192.0.2.5")})), ElementsAre("192.0.2.5"));
  EXPECT_THAT(book.keep(wish("b"), {ip("192.0.2.5")}), IsEmpty());
  EXPECT_THAT(book.keep(wish("c"), {}), IsEmpty()) << "nothing new is given";
  EXPECT_EQ(book.use_of("a")->assigned_v4, 1U);
  const Answer second = book.assign(wish("b"), {ip("192.0.2.5")});
  EXPECT_THAT(texts(second.addresses), ElementsAre("192.0.2.0"));
  EXPECT_EQ(why(second), "AddressInUse: 192.0.2.5 belongs to Service default/a");
  EXPECT_THAT(given(book, wish("a"), {ip("192.0.2.5")}), ElementsAre("192.0.2.5"));
}

TEST(AddressBook, AServiceKeepsWhatItsPoolHasLost) {
  AddressBook book;
  book.set_pool(pool("a", {"192.0.2.0/30"}));
  for (const char* name : {"0", "1", "2"}) book.assign(wish(name), {});
  EXPECT_THAT(book.set_pool(pool("a", {"192.0.2.0/31"})), ElementsAre(ObjectName{"default", "2"}));
  const Answer kept = book.assign(wish("2"), {ip("192.0.2.2")});
  EXPECT_THAT(texts(kept.addresses), ElementsAre("192.0.2.2"));
  EXPECT_EQ(why(kept),
            "AddressNotInPool: 192.0.2.2 is in no AddressPool; the Service keeps it until it is "
            "deleted or asks for another");
  EXPECT_EQ(*book.use_of("a"), (PoolUse{2, 0, 0, 0}));
  EXPECT_THAT(book.set_pool(pool("a", {"192.0.2.0/29"})), ElementsAre(ObjectName{"default", "2"}));
  EXPECT_EQ(why(book.assign(wish("2"), {ip("192.0.2.2")})), "");
  EXPECT_EQ(*book.use_of("a"), (PoolUse{3, 0, 5, 0}));
  EXPECT_THAT(given(book, wish("3")), ElementsAre("192.0.2.3"));
  EXPECT_EQ(book.remove_pool("a").size(), 4U);
  EXPECT_EQ(book.use_of("a"), std::nullopt);
  book.set_pool(pool("b", {"192.0.2.0/31"}));
  book.release({"default", "2"});
  EXPECT_THAT(book.assign(wish("new"), {}).addresses, IsEmpty()) << "others have all of b";
}

TEST(AddressBook, WithoutPoolsTakesNothingAway) {
  AddressBook book;
  const Answer answer = book.assign(wish("a"), {ip("192.0.2.1")});
  EXPECT_THAT(texts(answer.addresses), ElementsAre("192.0.2.1"));
  EXPECT_EQ(why(answer), "");
}

TEST(AddressBook, ReusesTheOneThatIsFreeAmongTenThousand) {
  AddressBook book;
  book.set_pool(pool("a", {"10.0.0.0/16", "fd00::/64"}));
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(book.assign(wish(std::to_string(i)), {}).addresses.size(), 1U);
  }
  book.release({"default", "77"});
  EXPECT_THAT(given(book, wish("again")), ElementsAre("10.0.0.77"));
  EXPECT_EQ(book.use_of("a")->assigned_v4, 10'000U);
}

}  // namespace
}  // namespace fairlead::addresses
