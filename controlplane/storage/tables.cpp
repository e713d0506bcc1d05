// open: pragmas, then tables if they are missing, then the newest revision. apply: read each key's
// revision and value (the compare), write all (the swap). read_all: entries as they are, history
// rebuilt from newest to oldest.
#include "controlplane/storage/tables.hpp"

#include <algorithm>
#include <unordered_map>

namespace fairlead::storage {
namespace {

// EXCLUSIVE: two control planes on one file would each believe their own memory. The lock ends with
// the process, however.
constexpr const char* kSetup = R"(
  PRAGMA locking_mode=EXCLUSIVE;
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=FULL;
  PRAGMA wal_autocheckpoint=1000;
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS obj(key TEXT PRIMARY KEY NOT NULL, rv INTEGER NOT NULL, value BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS log(rv INTEGER PRIMARY KEY, key TEXT NOT NULL, previous BLOB);
  CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT OR IGNORE INTO meta VALUES('schema', 1), ('compacted', 0);
  COMMIT;
)";

std::int64_t as_sql(Revision revision) { return static_cast<std::int64_t>(revision); }
Revision as_revision(std::int64_t number) { return static_cast<Revision>(number); }

Bytes share(std::string bytes) { return std::make_shared<const std::string>(std::move(bytes)); }

}  // namespace

Result<Tables> Tables::open(const std::string& path) {
  TRY(Database database, Database::open(path));
  Tables tables(std::move(database));
  if (auto ready = tables.database_.execute(kSetup); !ready) {
    if (tables.database_.is_busy()) {
      return tl::unexpected(Error{std::make_error_code(std::errc::device_or_resource_busy),
                                  "open " + path + ": in use by another process"});
    }
    ready.error().doing =
        "open " + path + ready.error().doing.substr(ready.error().doing.rfind(": "));
    return tl::unexpected(std::move(ready).error());
  }
  TRY_VOID(tables.prepare());
  TRY_VOID(tables.read_revisions());
  return tables;
}

Result<> Tables::prepare() {
  TRY(select_, database_.prepare("SELECT rv, value FROM obj WHERE key = ?1"));
  TRY(insert_, database_.prepare("INSERT INTO obj(key, rv, value) VALUES(?1, ?2, ?3)"));
  TRY(update_, database_.prepare("UPDATE obj SET rv = ?2, value = ?3 WHERE key = ?1"));
  TRY(delete_, database_.prepare("DELETE FROM obj WHERE key = ?1"));
  TRY(log_, database_.prepare("INSERT INTO log(rv, key, previous) VALUES(?2, ?1, ?3)"));
  return {};
}

Result<> Tables::read_revisions() {
  TRY(Statement newest, database_.prepare("SELECT max(rv) FROM log"));
  TRY([[maybe_unused]] const bool has_newest, newest.step());
  TRY(Statement compacted, database_.prepare("SELECT value FROM meta WHERE name = 'compacted'"));
  TRY([[maybe_unused]] const bool has_compacted, compacted.step());
  compacted_ = as_revision(compacted.number(0));
  revision_ = std::max(as_revision(newest.number(0)), compacted_);
  return {};
}

Result<Contents> Tables::read_all() {
  Contents contents{.revision = revision_, .compacted = compacted_, .entries = {}, .history = {}};
  std::unordered_map<std::string, Bytes> after;  // the value of a key after the log row at hand
  TRY(Statement objects, database_.prepare("SELECT key, rv, value FROM obj ORDER BY key"));
  for (;;) {
    TRY(const bool row, objects.step());
    if (!row) break;
    Entry entry{objects.bytes(0), as_revision(objects.number(1)), share(objects.bytes(2))};
    after[entry.key] = entry.value;
    contents.entries.push_back(std::move(entry));
  }
  TRY(Statement log, database_.prepare("SELECT rv, key, previous FROM log ORDER BY rv DESC"));
  for (;;) {
    TRY(const bool row, log.step());
    if (!row) break;
    Event event{as_revision(log.number(0)), log.bytes(1), nullptr, nullptr};
    if (!log.is_null(2)) event.previous = share(log.bytes(2));
    event.value = std::exchange(after[event.key], event.previous);
    contents.history.push_back(std::move(event));
  }
  std::ranges::reverse(contents.history);
  return contents;
}

Result<> Tables::begin() { return database_.execute("BEGIN IMMEDIATE"); }
Result<> Tables::commit() { return database_.execute("COMMIT"); }
void Tables::roll_back() {
  // SQLite has rolled back by itself after some errors (disk full); then this one fails and changes
  // nothing.
  [[maybe_unused]] const auto rolled_back = database_.execute("ROLLBACK");
}

Result<Committed> Tables::apply(const std::vector<Change>& changes, std::vector<Event>& events) {
  std::vector<Bytes> previous;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    select_.bind_text(1, changes[i].key);
    TRY(const bool found, select_.step());
    const Revision have = found ? as_revision(select_.number(0)) : 0;
    previous.push_back(found ? share(select_.bytes(1)) : nullptr);
    if (found) select_.reset();
    if (have != changes[i].expected) return Committed{.conflict = i};
  }
  Committed committed;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    TRY(Event event, write(changes[i], std::move(previous[i])));
    committed.revisions.push_back(event.revision);
    events.push_back(std::move(event));
  }
  return committed;
}

Result<Event> Tables::write(const Change& change, Bytes previous) {
  const Revision revision = ++revision_;
  if (change.value) {
    Statement& put = previous ? update_ : insert_;
    put.bind_text(1, change.key);
    put.bind(2, as_sql(revision));
    put.bind_blob(3, *change.value);
    TRY_VOID(put.run());
  } else {
    delete_.bind_text(1, change.key);
    TRY_VOID(delete_.run());
  }
  log_.bind_text(1, change.key);
  log_.bind(2, as_sql(revision));
  log_.bind_blob(3, previous ? std::string_view(*previous) : std::string_view());
  TRY_VOID(log_.run());
  return Event{revision, change.key, change.value, std::move(previous)};
}

Result<std::size_t> Tables::compact_some(Revision revision, std::size_t rows) {
  revision = std::min(revision, revision_);
  TRY(Statement last,
      database_.prepare("SELECT max(rv), count(*) FROM (SELECT rv FROM log WHERE rv <= "
                        "?1 ORDER BY rv LIMIT ?2)"));
  last.bind(1, as_sql(revision));
  last.bind(2, static_cast<std::int64_t>(rows));
  TRY([[maybe_unused]] const bool row, last.step());
  const std::int64_t up_to = last.number(0);
  const auto count = static_cast<std::size_t>(last.number(1));
  last.reset();
  if (count == 0) return 0;
  TRY_VOID(begin());
  TRY(Statement forget, database_.prepare("DELETE FROM log WHERE rv <= ?1"));
  forget.bind(1, up_to);
  auto done = forget.run();
  if (done) {
    TRY(Statement note, database_.prepare("UPDATE meta SET value = ?1 WHERE name = 'compacted'"));
    note.bind(1, up_to);
    done = note.run();
  }
  if (done) done = commit();
  if (!done) {
    roll_back();
    return tl::unexpected(std::move(done).error());
  }
  compacted_ = as_revision(up_to);
  return count;
}

Result<> Tables::truncate_wal() { return database_.execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

}  // namespace fairlead::storage
