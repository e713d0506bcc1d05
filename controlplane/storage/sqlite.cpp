// commit() puts a transaction in the queue and waits. The writer thread takes all that is queued,
// applies each to one SQLite transaction (those whose compare fails write nothing), commits once,
// i.e. syncs the disk once for all of them, and posts the events and then the answers to the
// executor. Compaction runs in the same thread between groups, a few rows at a time, so that a long
// history never stands in the way of a write.
#include "controlplane/storage/sqlite.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "controlplane/storage/tables.hpp"

namespace fairlead::storage {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kGroupTransactions = 1000;
constexpr std::size_t kCompactRows = 500;

using Answer = std::function<void(Result<Committed>)>;

struct Pending {
  std::vector<Change> changes;
  Answer answer;
};

/// What one group did, on its way to the executor.
struct Outcome {
  std::vector<Event> events;
  std::vector<std::pair<Answer, Result<Committed>>> answers;
};

class SqliteStorage final : public Storage {
 public:
  SqliteStorage(Tables tables, asio::any_io_executor executor)
      : tables_(std::move(tables)), executor_(std::move(executor)) {}

  ~SqliteStorage() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (writer_.joinable()) writer_.join();
  }

  Result<Contents> load() override { return tables_.read_all(); }

  void watch(std::function<void(Event)> on_event) override {
    on_event_ = std::make_shared<std::function<void(Event)>>(std::move(on_event));
    writer_ = std::thread([this] { write_groups(); });
  }

  asio::awaitable<Result<Committed>> commit(std::vector<Change> changes) override {
    auto submit = [this](auto handler, std::vector<Change> given) {
      // std::function copies, completion handlers do not: share it. The guard keeps run() from
      // returning meanwhile.
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      auto guard = asio::make_work_guard(executor_);
      enqueue({std::move(given), [shared, guard](Result<Committed> result) {
                 std::move (*shared)(std::move(result));
               }});
    };
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(Result<Committed>)>(
        std::move(submit), asio::use_awaitable, std::move(changes));
  }

  void compact(Revision revision) override {
    {
      const std::lock_guard lock(mutex_);
      compact_to_ = std::max(compact_to_, revision);
    }
    wake_.notify_one();
  }

 private:
  void enqueue(Pending pending) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(pending));
    }
    wake_.notify_one();
  }

  void write_groups() {
    Revision compacted_to = 0;
    std::size_t compacted_rows = 0;
    for (;;) {
      std::vector<Pending> group;
      Revision compact_to = 0;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock,
                   [&] { return stopping_ || !queue_.empty() || compact_to_ > compacted_to; });
        if (queue_.empty() && compact_to_ <= compacted_to) return;  // stopping
        while (!queue_.empty() && group.size() < kGroupTransactions) {
          group.push_back(std::move(queue_.front()));
          queue_.pop_front();
        }
        compact_to = compact_to_;
      }
      if (!group.empty()) publish(write_group(std::move(group)));
      if (compact_to <= compacted_to) continue;
      const auto rows = tables_.compact_some(compact_to, kCompactRows);
      compacted_rows += rows.value_or(0);
      // A failed compaction costs disk space only; the next compact() tries again.
      if (!rows || *rows < kCompactRows) compacted_to = compact_to;
      if (compacted_to == compact_to && compacted_rows > kCompactRows) {
        if (tables_.truncate_wal()) compacted_rows = 0;
      }
    }
  }

  Outcome write_group(std::vector<Pending> group) {
    const Revision before = tables_.revision();
    Outcome outcome;
    Result<> state = tables_.begin();
    for (Pending& pending : group) {
      if (!state) break;
      auto committed = tables_.apply(pending.changes, outcome.events);
      if (!committed) {
        state = tl::unexpected(std::move(committed).error());
        break;
      }
      outcome.answers.emplace_back(std::exchange(pending.answer, nullptr), *std::move(committed));
    }
    if (state) state = tables_.commit();
    if (state) return outcome;
    tables_.roll_back();
    tables_.set_revision(before);
    outcome.events.clear();
    for (auto& [answer, result] : outcome.answers) result = tl::unexpected(state.error());
    for (Pending& pending : group) {
      if (pending.answer)
        outcome.answers.emplace_back(std::move(pending.answer), tl::unexpected(state.error()));
    }
    return outcome;
  }

  /// One post a group: nobody sees an answer before the events that belong to it.
  void publish(Outcome outcome) {
    auto shared = std::make_shared<Outcome>(std::move(outcome));
    asio::post(executor_, [shared, on_event = on_event_] {
      for (Event& event : shared->events) (*on_event)(std::move(event));
      for (auto& [answer, result] : shared->answers) answer(std::move(result));
    });
  }

  Tables tables_;  // the writer thread's own once it runs
  asio::any_io_executor executor_;
  std::shared_ptr<std::function<void(Event)>> on_event_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Pending> queue_;
  Revision compact_to_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace

Result<std::unique_ptr<Storage>> open_sqlite(const std::string& path,
                                             boost::asio::any_io_executor executor) {
  TRY(Tables tables, Tables::open(path));
  return std::make_unique<SqliteStorage>(std::move(tables), std::move(executor));
}

}  // namespace fairlead::storage
