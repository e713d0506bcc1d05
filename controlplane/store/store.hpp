// All objects in memory, in front of storage: every read and every watch is answered from here,
// every write goes through storage first and shows here once it is durable. One thread.
//
//   write() -> storage.commit() -> event -> collection and ring -> subscribers, watchers -> write()
//   returns
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controlplane/store/ring.hpp"

namespace fairlead::store {

using Filter = std::function<bool(const Object&)>;  // empty: everything

struct ListRequest {
  std::string prefix;  // "services/" or "services/default/"
  Filter filter = {};
  std::size_t limit = 0;            // 0: all
  std::string after = {};           // key of the last object of the page before
  std::optional<Revision> at = {};  // the state as of then; absent: now
};

struct Page {
  std::vector<ObjectPtr> items;  // by key
  Revision revision = 0;
  bool more = false;          // start the next page after items.back()->key, at `revision`
  std::size_t remaining = 0;  // how many follow, filter or not
};

class Watcher;

class Store {
 public:
  /// `storage` must outlive the store. Errors: storage cannot be read; a stored object is not one.
  static Result<std::unique_ptr<Store>> open(storage::Storage& storage,
                                             boost::asio::any_io_executor executor,
                                             RingLimits limits = {});
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Of the newest change of anything.
  [[nodiscard]] Revision revision() const { return revision_; }

  /// nullptr if there is none.
  [[nodiscard]] ObjectPtr get(std::string_view key) const;
  /// nullopt: the state at `request.at` is no longer known.
  [[nodiscard]] std::optional<Page> list(const ListRequest& request) const;
  [[nodiscard]] std::vector<ObjectPtr> all(const std::string& prefix) const;

  /// Compare-and-swap of one object; `object` null removes it. `expected`: its revision, 0 if there
  /// must be none. When this returns the store shows the change. nullptr: somebody else was first.
  /// A removal answers with the last state.
  boost::asio::awaitable<Result<ObjectPtr>> write(std::string key, Revision expected,
                                                  const boost::json::object* object);

  /// Called for each change, in order, before watchers and the writer see it; must not wait. For
  /// the life of the store.
  void subscribe(std::function<void(const Event&)> on_event) {
    subscribers_.push_back(std::move(on_event));
  }

  /// Drops old events, here and in storage. To be called every few minutes.
  void expire(Ring::Clock::time_point now);

  /// Objects by collection, and how many watch it.
  struct CollectionSize {
    std::string name;
    std::size_t objects;
    std::size_t watchers;
  };
  [[nodiscard]] std::vector<CollectionSize> sizes() const;

 private:
  friend class Watcher;
  struct Collection {
    explicit Collection(RingLimits limits) : ring(limits) {}
    std::map<std::string, ObjectPtr, std::less<>> objects;
    Ring ring;
    std::set<Watcher*> watchers;
  };

  Store(storage::Storage& storage, boost::asio::any_io_executor executor, RingLimits limits)
      : storage_(storage), executor_(std::move(executor)), limits_(limits) {}
  Result<> load();
  Result<> remember(const storage::Event& event, Revision before_revision);
  void apply(const storage::Event& event);
  Result<Event> to_event(const storage::Event& event, ObjectPtr before) const;
  Collection& collection(std::string_view key);
  [[nodiscard]] const Collection* find_collection(std::string_view key) const;
  static std::optional<Page> list_at(const Collection& from, const ListRequest& request);

  storage::Storage& storage_;
  boost::asio::any_io_executor executor_;
  RingLimits limits_;
  std::map<std::string, Collection, std::less<>> collections_;
  std::vector<std::function<void(const Event&)>> subscribers_;
  Revision revision_ = 0;
  Revision compacted_ = 0;
};

/// A place in the changes of one collection. It holds nothing back: a watcher that is slower than
/// the ring is long falls behind.
class Watcher {
 public:
  /// Sees the changes after `from`. The store must outlive it.
  Watcher(Store& store, std::string_view collection, Revision from);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher();

  /// True if changes that it has not seen are gone: its client must list again.
  [[nodiscard]] bool fell_behind() const { return behind_ || next_ < collection_.ring.first(); }
  /// The next change; nullptr: none yet. Valid until the next wait.
  const Event* next();
  /// Everything up to here was seen, if next() is nullptr.
  [[nodiscard]] Revision revision() const { return store_.revision(); }
  /// Returns at the next change of the collection or at `deadline`.
  boost::asio::awaitable<void> wait_until(Ring::Clock::time_point deadline);

 private:
  friend class Store;
  Store& store_;
  Store::Collection& collection_;
  boost::asio::steady_timer wake_;
  std::uint64_t next_;
  Revision from_;
  bool behind_;
};

}  // namespace fairlead::store
