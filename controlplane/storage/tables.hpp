// The two tables and what is done with them; one thread at a time. Private to the SQLite storage.
//
//   obj(key, rv, value)      what exists now
//   log(rv, key, previous)   what each change replaced: bounded by compaction
//
// The log keeps the value *before* a change. The value after it is in the next row of the same key,
// or in obj; so nothing is written twice.
#pragma once

#include <cstddef>
#include <string>

#include "controlplane/storage/storage.hpp"
#include "sqlite/database.hpp"

namespace fairlead::storage {

using sqlite::Database, sqlite::Statement;

class Tables {
 public:
  static Result<Tables> open(const std::string& path);

  Result<Contents> read_all();

  Result<> begin();
  Result<> commit();
  void roll_back();
  /// Within begin/commit. On success appends what happened to `events`. A conflict writes nothing;
  /// an error leaves the transaction to be rolled back.
  Result<Committed> apply(const std::vector<Change>& changes, std::vector<Event>& events);

  /// Deletes at most `rows` of the history up to `revision`; returns how many. A transaction of its
  /// own.
  Result<std::size_t> compact_some(Revision revision, std::size_t rows);
  /// Gives the write-ahead log's space back to the file system.
  Result<> truncate_wal();

  /// The newest revision, also of changes not committed yet.
  [[nodiscard]] Revision revision() const { return revision_; }
  /// After roll_back(): the revisions of the lost changes are used again.
  void set_revision(Revision revision) { revision_ = revision; }

 private:
  explicit Tables(Database database) : database_(std::move(database)) {}
  Result<> prepare();
  Result<> read_revisions();
  Result<Event> write(const Change& change, Bytes previous);

  Database database_;
  Statement select_, insert_, update_, delete_, log_;
  Revision revision_ = 0;
  Revision compacted_ = 0;
};

}  // namespace fairlead::storage
