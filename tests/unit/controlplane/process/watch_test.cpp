// What clients see of lists and watches, over the wire.
#include <gmock/gmock.h>

#include "tests/unit/controlplane/process/client.hpp"

namespace fairlead::controlplane {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(ControlPlaneTest, AWatchFromARevisionShowsEachLaterChangeOnce) {
  const std::string from = make("a");
  make("b");
  patch(std::string(kConfigMaps) + "/a", R"({"data":{"k":"v"}})");
  remove(std::string(kConfigMaps) + "/b");
  EXPECT_THAT(watch("resourceVersion=" + from), ElementsAre("ADDED b", "MODIFIED a", "DELETED b"));
}

TEST_F(ControlPlaneTest, AWatchWithoutARevisionOrFromZeroBeginsWithWhatThereIs) {
  make("a");
  make("b");
  EXPECT_THAT(watch("resourceVersion=0"), ElementsAre("ADDED a", "ADDED b"));
  EXPECT_THAT(watch(""), ElementsAre("ADDED a", "ADDED b"));
}

TEST_F(ControlPlaneTest, EnteringASelectorIsAddedAndLeavingItIsDeleted) {
  const std::string from = make("a", R"({"tier":"back"})");
  patch(std::string(kConfigMaps) + "/a", R"({"metadata":{"labels":{"tier":"front"}}})");
  patch(std::string(kConfigMaps) + "/a", R"({"data":{"k":"v"}})");
  const Reply left = patch(std::string(kConfigMaps) + "/a", R"({"metadata":{"labels":null}})");
  const std::string query = "labelSelector=tier%3Dfront&resourceVersion=" + from;
  EXPECT_THAT(watch(query), ElementsAre("ADDED a", "MODIFIED a", "DELETED a"));
  const auto events = get(std::string(kConfigMaps) + "?watch=1&timeoutSeconds=1&" + query).events();
  const json::object& last = events.back().at("object").at("metadata").as_object();
  EXPECT_EQ(last.at("labels").at("tier"), "front");                      // its state before, …
  EXPECT_EQ(last.at("resourceVersion").as_string(), revision_of(left));  // … as of the change
}

TEST_F(ControlPlaneTest, FieldSelectorsSelectOneName) {
  const std::string from = make("a");
  make("b");
  make("c");
  EXPECT_THAT(watch("fieldSelector=metadata.name%3Dc&resourceVersion=" + from),
              ElementsAre("ADDED c"));
  const Reply refused = get(std::string(kConfigMaps) + "?fieldSelector=spec.foo%3Dc");
  EXPECT_EQ(refused.status, 400U);
}

TEST_F(ControlPlaneTest, BookmarksComeOnlyWhereTheyAreAskedFor) {
  const std::string from = make("a");
  EXPECT_THAT(watch("resourceVersion=" + from), IsEmpty());
  EXPECT_THAT(watch("allowWatchBookmarks=true&resourceVersion=" + from), ElementsAre("BOOKMARK"));
}

TEST_F(ControlPlaneTest, InitialEventsEndWithAnAnnotatedBookmark) {
  make("a");
  EXPECT_THAT(watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
                    "allowWatchBookmarks=true"),
              ElementsAre("ADDED a", "BOOKMARK annotated", "BOOKMARK"));
  EXPECT_EQ(get(std::string(kConfigMaps) + "?watch=1&sendInitialEvents=true").status, 422U);
}

TEST_F(ControlPlaneTest, WatchesGoOnAfterARestart) {
  const std::string from = make("a");
  make("b");
  stop();
  start();
  EXPECT_THAT(watch("resourceVersion=" + from), ElementsAre("ADDED b"));
}

TEST_F(ControlPlaneTest, TooOldARevisionIsAnErrorEventForWatches) {
  // History begins where the data directory does: nothing is older than revision 0 but what
  // compaction takes, and that is tested in the store. A revision of the future waits.
  EXPECT_THAT(watch("resourceVersion=99999"), IsEmpty());
}

TEST_F(ControlPlaneTest, PagesAreOfOneStateAndCountWhatRemains) {
  for (const char* name : {"a", "b", "c"}) make(name);
  const json::object first = get(std::string(kConfigMaps) + "?limit=2").json();
  EXPECT_EQ(first.at("items").as_array().size(), 2U);
  EXPECT_EQ(first.at("metadata").at("remainingItemCount"), 1);
  make("d");
  const std::string token(first.at("metadata").at("continue").as_string());
  const json::object second = get(std::string(kConfigMaps) + "?limit=2&continue=" + token).json();
  EXPECT_EQ(second.at("items").as_array().size(), 1U);
  EXPECT_EQ(second.at("items").at(0).at("metadata").at("name"), "c");
  EXPECT_EQ(second.at("metadata").at("resourceVersion"),
            first.at("metadata").at("resourceVersion"));
  EXPECT_EQ(get(std::string(kConfigMaps) + "?continue=nonsense").status, 400U);
}

TEST_F(ControlPlaneTest, ListsKnowTheRevisionsOfThePastAndWaitForNoFuture) {
  const std::string then = make("a");
  make("b");
  const json::object exact =
      get(std::string(kConfigMaps) + "?resourceVersionMatch=Exact&resourceVersion=" + then).json();
  EXPECT_EQ(exact.at("items").as_array().size(), 1U);
  const Reply future = get(std::string(kConfigMaps) + "?resourceVersion=99999999");
  EXPECT_EQ(future.status, 504U);
  EXPECT_THAT(future.body, HasSubstr("Too large resource version: 99999999, current: "));
  EXPECT_EQ(get(std::string(kConfigMaps) + "?resourceVersionMatch=Exact").status, 422U);
}

}  // namespace
}  // namespace fairlead::controlplane
