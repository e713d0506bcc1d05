#include "controlplane/storage/sqlite.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>

namespace fairlead::storage {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Bytes bytes(std::string text) { return std::make_shared<const std::string>(std::move(text)); }
std::string text(const Bytes& value) { return value ? *value : "-"; }

Change put(std::string key, Revision expected, std::string value) {
  return {std::move(key), expected, bytes(std::move(value))};
}
Change removal(std::string key, Revision expected) { return {std::move(key), expected, nullptr}; }

class SqliteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "fl-storage-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string path() const { return directory_ / "state.db"; }

  void open() {
    auto opened = open_sqlite(path(), io_.get_executor());
    ASSERT_TRUE(opened) << opened.error().doing;
    storage_ = std::move(*opened);
    auto loaded = storage_->load();
    ASSERT_TRUE(loaded) << loaded.error().doing;
    contents_ = std::move(*loaded);
    storage_->watch([this](Event event) { events_.push_back(std::move(event)); });
  }

  void close() {
    storage_.reset();
    run();
  }

  void reopen() {
    close();
    open();
  }

  void run() {
    io_.restart();
    io_.run();
  }

  Committed commit(std::vector<Change> changes) {
    std::optional<Result<Committed>> result;
    asio::co_spawn(
        io_, storage_->commit(std::move(changes)),
        [&](const std::exception_ptr&, Result<Committed> got) { result = std::move(got); });
    run();
    if (!result || !*result) {
      ADD_FAILURE() << (result ? result->error().doing : "no answer");
      return {};
    }
    return **result;
  }

  asio::io_context io_{1};
  std::filesystem::path directory_;
  std::unique_ptr<Storage> storage_;
  Contents contents_;
  std::vector<Event> events_;
};

TEST_F(SqliteTest, RevisionsGrowWithEachChangeAndSurviveARestart) {
  open();
  EXPECT_THAT(commit({put("a", 0, "1")}).revisions, ElementsAre(1));
  EXPECT_THAT(commit({put("a", 1, "2"), put("b", 0, "3")}).revisions, ElementsAre(2, 3));
  EXPECT_THAT(commit({removal("b", 3)}).revisions, ElementsAre(4));
  reopen();
  EXPECT_EQ(contents_.revision, 4U);
  ASSERT_THAT(contents_.entries, SizeIs(1));
  EXPECT_EQ(contents_.entries[0].key, "a");
  EXPECT_EQ(contents_.entries[0].revision, 2U);
  EXPECT_EQ(text(contents_.entries[0].value), "2");
}

TEST_F(SqliteTest, ATransactionWithOneWrongRevisionChangesNothing) {
  open();
  commit({put("a", 0, "1")});
  EXPECT_EQ(commit({put("b", 0, "x"), put("a", 0, "again")}).conflict, 1U);
  EXPECT_EQ(commit({put("a", 7, "x")}).conflict, 0U);
  EXPECT_EQ(commit({removal("nothing", 1)}).conflict, 0U);
  reopen();
  EXPECT_EQ(contents_.revision, 1U);
  EXPECT_THAT(contents_.entries, SizeIs(1));
}

TEST_F(SqliteTest, EventsArriveInOrderWithValuesBeforeAndAfter) {
  open();
  commit({put("a", 0, "1")});
  commit({put("a", 1, "2")});
  commit({removal("a", 2)});
  ASSERT_THAT(events_, SizeIs(3));
  EXPECT_EQ(text(events_[0].previous) + text(events_[0].value), "-1");
  EXPECT_EQ(text(events_[1].previous) + text(events_[1].value), "12");
  EXPECT_EQ(text(events_[2].previous) + text(events_[2].value), "2-");
  EXPECT_EQ(events_[2].revision, 3U);
}

TEST_F(SqliteTest, HistoryIsRebuiltAfterARestart) {
  open();
  commit({put("a", 0, "1")});
  commit({put("b", 0, "x")});
  commit({put("a", 1, "2")});
  commit({removal("b", 2)});
  commit({put("b", 0, "y")});
  reopen();
  const std::vector<Event>& history = contents_.history;
  ASSERT_EQ(history.size(), events_.size());
  for (std::size_t i = 0; i < history.size(); ++i) {
    EXPECT_EQ(history[i].revision, events_[i].revision);
    EXPECT_EQ(history[i].key, events_[i].key);
    EXPECT_EQ(text(history[i].previous), text(events_[i].previous)) << i;
    EXPECT_EQ(text(history[i].value), text(events_[i].value)) << i;
  }
}

TEST_F(SqliteTest, CompactionForgetsHistoryButNeitherObjectsNorTheRevision) {
  open();
  std::vector<Change> many;
  for (int i = 0; i < 1200; ++i) many.push_back(put("k" + std::to_string(i), 0, "x"));
  commit(std::move(many));
  commit({removal("k7", 8)});
  storage_->compact(1201);
  reopen();
  EXPECT_EQ(contents_.history.size(), 0U);
  EXPECT_EQ(contents_.revision, 1201U);
  EXPECT_EQ(contents_.compacted, 1201U);
  EXPECT_THAT(commit({put("k7", 0, "new")}).revisions, ElementsAre(1202));
}

TEST_F(SqliteTest, AFileInUseIsRefusedByName) {
  open();
  commit({put("a", 0, "1")});
  const auto second = open_sqlite(path(), io_.get_executor());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().doing, "open " + path() + ": in use by another process");
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsRefused) {
  std::FILE* file = std::fopen(path().c_str(), "w");
  std::fputs(std::string(5000, 'x').c_str(), file);
  std::fclose(file);
  const auto opened = open_sqlite(path(), io_.get_executor());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().doing, HasSubstr("file is not a database"));
}

TEST_F(SqliteTest, ConcurrentWritersOfOneKeyAllButOneConflict) {
  open();
  int won = 0;
  int lost = 0;
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(io_, storage_->commit({put("a", 0, std::to_string(i))}),
                   [&](const std::exception_ptr&, Result<Committed> got) {
                     (got && !got->conflict ? won : lost) += 1;
                   });
  }
  run();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 49);
}

/// Writes "k<i>" again and again from many coroutines and tells `acknowledged` after each success;
/// never returns.
asio::awaitable<void> write_storm(Storage& storage, int writer, int acknowledged) {
  Revision last = 0;
  for (std::uint32_t round = 1;; ++round) {
    std::vector<Change> changes;
    changes.push_back(put("k" + std::to_string(writer), last, std::to_string(round)));
    const auto committed = co_await storage.commit(std::move(changes));
    if (!committed || committed->conflict) ::_exit(3);
    last = committed->revisions[0];
    const std::array<std::uint32_t, 2> note{static_cast<std::uint32_t>(writer), round};
    if (::write(acknowledged, note.data(), sizeof note) != sizeof note) ::_exit(4);
  }
}

TEST_F(SqliteTest, KillLosesNothingThatWasAcknowledged) {
  constexpr int kRounds = 5;
  constexpr int kWriters = 8;
  constexpr int kNotes = 400;
  for (int round = 0; round < kRounds; ++round) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(::pipe(pipe_ends.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe_ends[0]);
      asio::io_context io(1);
      auto storage = open_sqlite(path(), io.get_executor());
      if (!storage) ::_exit(2);
      (*storage)->watch([](const Event&) {});
      for (int writer = 0; writer < kWriters; ++writer) {
        asio::co_spawn(io, write_storm(**storage, writer, pipe_ends[1]), asio::detached);
      }
      io.run();
      ::_exit(5);
    }
    ::close(pipe_ends[1]);
    std::map<std::string, std::uint32_t> acknowledged;
    std::array<std::uint32_t, 2> note{};
    for (int i = 0; ::read(pipe_ends[0], note.data(), sizeof note) == sizeof note; ++i) {
      acknowledged["k" + std::to_string(note[0])] = note[1];
      if (i == kNotes) ::kill(child, SIGKILL);
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    open();
    std::map<std::string, std::uint32_t> kept;
    for (const Entry& entry : contents_.entries) {
      kept[entry.key] = static_cast<std::uint32_t>(std::stoul(*entry.value));
    }
    for (const auto& [key, value] : acknowledged) EXPECT_GE(kept[key], value) << key;
    EXPECT_EQ(contents_.history.size(), contents_.revision);
    close();
  }
}

}  // namespace
}  // namespace fairlead::storage
