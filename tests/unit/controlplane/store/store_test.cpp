#include "controlplane/store/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "controlplane/storage/sqlite.hpp"

namespace fairlead::store {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

json::object web(std::string_view name, int port) {
  return {{"kind", "Service"}, {"metadata", {{"name", name}}}, {"spec", {{"port", port}}}};
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "fl-store-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(directory_);
  }

  void open(RingLimits limits = {}) {
    auto storage = storage::open_sqlite(directory_ / "state.db", io_.get_executor());
    ASSERT_TRUE(storage) << storage.error().doing;
    storage_ = std::move(*storage);
    auto store = Store::open(*storage_, io_.get_executor(), limits);
    ASSERT_TRUE(store) << store.error().doing;
    store_ = std::move(*store);
  }
  void close() {
    storage_.reset();
    run();
    store_.reset();
  }
  void reopen(RingLimits limits = {}) {
    close();
    open(limits);
  }
  void run() {
    io_.restart();
    io_.run();
  }

  /// The revision of the write; 0 for a conflict.
  Revision write(const std::string& name, Revision expected, const json::object* object) {
    Revision revision = 0;
    asio::co_spawn(io_, store_->write("services/default/" + name, expected, object),
                   [&](const std::exception_ptr&, Result<ObjectPtr> got) {
                     ASSERT_TRUE(got) << got.error().doing;
                     revision = *got ? store_->revision() : 0;
                   });
    run();
    return revision;
  }
  Revision put(const std::string& name, int port) {
    const ObjectPtr old = store_->get("services/default/" + name);
    const json::object object = web(name, port);
    return write(name, old ? old->revision : 0, &object);
  }
  Revision remove(const std::string& name) {
    return write(name, store_->get("services/default/" + name)->revision, nullptr);
  }

  static std::string show(const Event& event) {
    static constexpr std::array kNames{"ADDED", "MODIFIED", "DELETED"};
    return std::string(kNames[static_cast<std::size_t>(event.type)]) + " " +
           std::string(event.object->metadata("name")) + "@" +
           std::string(event.object->metadata("resourceVersion"));
  }
  static std::vector<std::string> drain(Watcher& watcher) {
    std::vector<std::string> events;
    while (const Event* event = watcher.next()) events.push_back(show(*event));
    return events;
  }
  static std::vector<std::string> names(const Page& page) {
    std::vector<std::string> names;
    for (const ObjectPtr& object : page.items) names.emplace_back(object->metadata("name"));
    return names;
  }

  asio::io_context io_{1};
  std::filesystem::path directory_;
  std::unique_ptr<storage::Storage> storage_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, WritesShowWithTheirRevisionInsideTheObject) {
  EXPECT_EQ(put("a", 80), 1U);
  EXPECT_EQ(store_->get("services/default/a")->metadata("resourceVersion"), "1");
  EXPECT_EQ(store_->get("services/default/a")->parse().at("spec").at("port"), 80);
  EXPECT_EQ(store_->get("services/default/b"), nullptr);
}

TEST_F(StoreTest, AStaleWriteIsAConflictAndShowsNothing) {
  put("a", 80);
  put("a", 81);
  const json::object object = web("a", 99);
  EXPECT_EQ(write("a", 1, &object), 0U);
  EXPECT_EQ(store_->get("services/default/a")->parse().at("spec").at("port"), 81);
}

TEST_F(StoreTest, AWatcherSeesWhatFollowsItsRevision) {
  put("a", 80);
  Watcher watcher(*store_, "services", 1);
  put("a", 81);
  put("b", 80);
  remove("a");
  EXPECT_THAT(drain(watcher), ElementsAre("MODIFIED a@2", "ADDED b@3", "DELETED a@4"));
  EXPECT_THAT(drain(watcher), IsEmpty());
}

TEST_F(StoreTest, AWatcherOfAFutureRevisionWaitsForIt) {
  Watcher watcher(*store_, "services", 2);
  put("a", 80);
  put("a", 81);
  put("a", 82);
  EXPECT_THAT(drain(watcher), ElementsAre("MODIFIED a@3"));
}

TEST_F(StoreTest, ARestartKeepsObjectsAndWatchesGoOn) {
  put("a", 80);
  put("b", 80);
  put("a", 81);
  remove("b");
  reopen();
  EXPECT_EQ(store_->revision(), 4U);
  Watcher watcher(*store_, "services", 1);
  EXPECT_FALSE(watcher.fell_behind());
  EXPECT_THAT(drain(watcher), ElementsAre("ADDED b@2", "MODIFIED a@3", "DELETED b@4"));
}

TEST_F(StoreTest, AWatcherThatIsSlowerThanTheRingIsToldSo) {
  reopen({.events = 2});
  Watcher watcher(*store_, "services", 0);
  put("a", 1);
  put("a", 2);
  EXPECT_FALSE(watcher.fell_behind());
  put("a", 3);
  EXPECT_TRUE(watcher.fell_behind());
  EXPECT_TRUE(Watcher(*store_, "services", 0).fell_behind());
  EXPECT_FALSE(Watcher(*store_, "services", 1).fell_behind());
}

TEST_F(StoreTest, PagesShowTheStateOfTheFirstPage) {
  for (const char* name : {"a", "b", "c", "d"}) put(name, 80);
  const auto first = store_->list({.prefix = "services/", .limit = 2});
  EXPECT_THAT(names(*first), ElementsAre("a", "b"));
  EXPECT_TRUE(first->more);
  EXPECT_EQ(first->remaining, 2U);
  remove("c");
  put("cc", 80);
  put("d", 81);
  const auto second = store_->list({.prefix = "services/",
                                    .limit = 2,
                                    .after = first->items.back()->key,
                                    .at = first->revision});
  EXPECT_THAT(names(*second), ElementsAre("c", "d"));
  EXPECT_EQ(second->items[1]->parse().at("spec").at("port"), 80);
  EXPECT_EQ(second->revision, first->revision);
  EXPECT_FALSE(second->more);
}

TEST_F(StoreTest, AStateThatTheRingForgotIsNotInvented) {
  reopen({.events = 1});
  put("a", 1);
  put("a", 2);
  put("a", 3);
  EXPECT_FALSE(store_->list({.prefix = "services/", .at = 1}));
  EXPECT_TRUE(store_->list({.prefix = "services/", .at = 2}));
}

TEST_F(StoreTest, FiltersCountAfterFilteringAndNamespacesDoNotLeak) {
  put("a", 80);
  put("b", 80);
  const Filter only_b = [](const Object& object) { return object.metadata("name") == "b"; };
  EXPECT_THAT(names(*store_->list({.prefix = "services/default/", .filter = only_b, .limit = 1})),
              ElementsAre("b"));
  EXPECT_THAT(names(*store_->list({.prefix = "services/def/"})), IsEmpty());
}

TEST_F(StoreTest, OldEventsExpireHereAndInStorage) {
  put("a", 1);
  put("a", 2);
  store_->expire(Ring::Clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(Watcher(*store_, "services", 1).fell_behind());
  reopen();
  EXPECT_TRUE(Watcher(*store_, "services", 1).fell_behind());
  EXPECT_FALSE(Watcher(*store_, "services", 2).fell_behind());
}

TEST_F(StoreTest, AWaitingWatcherWakesAtAChange) {
  Watcher watcher(*store_, "services", 0);
  bool woke = false;
  asio::co_spawn(io_, watcher.wait_until(Ring::Clock::time_point::max()),
                 [&](const std::exception_ptr&) { woke = true; });
  put("a", 1);
  EXPECT_TRUE(woke);
}

}  // namespace
}  // namespace fairlead::store
