// Where objects survive: a small interface, so that SQLite on this machine and etcd on others can
// stand behind it.
//
// Everything is read once, at start; from then on the control plane reads its own memory and only
// writes here. A revision is a number that grows with each change of anything; it is the
// resourceVersion that clients see.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/result.hpp"

namespace fairlead::storage {

using Revision = std::uint64_t;
using Bytes = std::shared_ptr<const std::string>;  // never changed once it exists

/// One compare-and-swap: `expected` is the revision of the key's last change, 0 if the key must not
/// exist.
struct Change {
  std::string key;
  Revision expected = 0;
  Bytes value = nullptr;  // null removes the key
};

struct Entry {
  std::string key;
  Revision revision = 0;
  Bytes value = nullptr;
};

/// What a change did. `value` null: removed. `previous` null: created.
struct Event {
  Revision revision = 0;
  std::string key;
  Bytes value = nullptr;
  Bytes previous = nullptr;
};

/// All changes of a transaction were made, with these revisions in their order; or none, because
/// `conflict` (an index) was not as expected.
struct Committed {
  std::vector<Revision> revisions = {};
  std::optional<std::size_t> conflict = {};
};

/// What a start needs: every entry by key, and the changes that led to them as far back as they are
/// kept, oldest first.
struct Contents {
  Revision revision = 0;   // of the newest change ever made
  Revision compacted = 0;  // history holds every change after this one
  std::vector<Entry> entries;
  std::vector<Event> history;
};

class Storage {
 public:
  virtual ~Storage() = default;

  /// Reads all. Called once, before watch().
  virtual Result<Contents> load() = 0;

  /// From now on `on_event` is told each change after load(), whoever made it, in order of
  /// revisions, on the thread of the executor, and before the commit() that made it returns. Must
  /// be called before the first commit.
  virtual void watch(std::function<void(Event)> on_event) = 0;

  /// All of the changes or none. When this returns success, they survive a crash of the process and
  /// of the machine. Errors: the disk is full or broken; nothing of the transaction was kept then.
  virtual boost::asio::awaitable<Result<Committed>> commit(std::vector<Change> changes) = 0;

  /// Forgets the history up to and including `revision`, in the background.
  virtual void compact(Revision revision) = 0;
};

}  // namespace fairlead::storage
