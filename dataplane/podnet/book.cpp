// Statements are prepared once; the file is locked for as long as it is open.
#include "dataplane/podnet/book.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <sstream>

#include "dataplane/podnet/attachment_json.hpp"

namespace fairlead::podnet {
namespace {

constexpr const char* kSettings =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;";
constexpr const char* kTables = R"(
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS attachments (
    network TEXT NOT NULL, container TEXT NOT NULL, interface TEXT NOT NULL,
    leaving INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (network, container, interface)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS cursors (range TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS freed (address TEXT PRIMARY KEY, turn INTEGER NOT NULL) WITHOUT ROWID;
)";
constexpr std::array kSuffixes{"", "-wal", "-shm", "-journal"};

/// The file and what SQLite keeps beside it, under another name.
Result<std::string> set_aside(const std::string& path) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const std::string to = fmt::format("{}.damaged-{}", path, seconds.count());
  for (const char* suffix : kSuffixes) {
    std::error_code error;
    std::filesystem::rename(path + suffix, to + suffix, error);
    if (error && error != std::errc::no_such_file_or_directory)
      return failure(error, fmt::format("set {} aside", path + suffix));
  }
  return to;
}

void bind_key(sqlite::Statement& statement, const AttachmentKey& key) {
  statement.bind_text(1, key.network);
  statement.bind_text(2, key.container);
  statement.bind_text(3, key.interface);
}

Result<> check(const sqlite::Database& database) {
  TRY(auto statement, database.prepare("PRAGMA quick_check(1)"));
  TRY(const bool has_row, statement.step());
  if (!has_row || statement.bytes(0) != "ok")
    return invalid(has_row ? statement.bytes(0) : "quick_check says nothing");
  return {};
}

}  // namespace

Result<Book> Book::open_sound(const std::string& path) {
  TRY(auto database, sqlite::Database::open(path));
  if (auto set = database.execute(kSettings); !set) {
    if (!database.is_busy()) return tl::unexpected(std::move(set).error());
    return system_error(EBUSY, path + ": another process has it open");
  }
  TRY_VOID(check(database));
  TRY_VOID(database.execute(kTables));
  Book book(std::move(database));
  TRY_VOID(book.prepare());
  // A row that cannot be read is damage, too.
  TRY_VOID(book.read());
  return book;
}

Result<Book> Book::open(const std::string& path, std::optional<std::string>& damage) {
  auto book = open_sound(path);
  std::error_code ignored;
  if (book || !std::filesystem::exists(path, ignored)) return book;
  if (book.error().code == std::errc::device_or_resource_busy)
    return book;  // somebody's, but sound
  TRY(const std::string aside, set_aside(path));
  damage =
      fmt::format("{} is damaged ({}) and was set aside as {}", path, book.error().doing, aside);
  return open_sound(path);
}

Result<> Book::prepare() {
  TRY(add_, database_.prepare("INSERT OR REPLACE INTO attachments VALUES (?1, ?2, ?3, 0, ?4)"));
  TRY(leave_, database_.prepare("UPDATE attachments SET leaving = 1"
                                " WHERE network = ?1 AND container = ?2 AND interface = ?3"));
  TRY(erase_, database_.prepare("DELETE FROM attachments"
                                " WHERE network = ?1 AND container = ?2 AND interface = ?3"));
  TRY(add_cursor_, database_.prepare("INSERT OR REPLACE INTO cursors VALUES (?1, ?2)"));
  TRY(add_freed_, database_.prepare("INSERT OR REPLACE INTO freed VALUES (?1, ?2)"));
  TRY(erase_freed_, database_.prepare("DELETE FROM freed WHERE address = ?1"));
  return {};
}

Result<BookContents> Book::read() {
  BookContents contents;
  TRY(auto attachments, database_.prepare("SELECT leaving, body FROM attachments"));
  while (true) {
    TRY(const bool has_row, attachments.step());
    if (!has_row) break;
    TRY(Attachment attachment, attachment_from_json(attachments.bytes(1)));
    contents.attachments.emplace_back(
        std::move(attachment), attachments.number(0) == 0 ? Standing::kHeld : Standing::kLeaving);
  }
  TRY(auto cursors, database_.prepare("SELECT range, next FROM cursors"));
  while (true) {
    TRY(const bool has_row, cursors.step());
    if (!has_row) break;
    TRY(const Cidr range, parse_cidr(cursors.bytes(0)));
    contents.cursors.push_back({range, static_cast<std::uint64_t>(cursors.number(1))});
  }
  TRY(auto freed, database_.prepare("SELECT address, turn FROM freed"));
  while (true) {
    TRY(const bool has_row, freed.step());
    if (!has_row) break;
    TRY(const Ip address, parse_ip(freed.bytes(0)));
    contents.freed.emplace_back(address, static_cast<std::uint64_t>(freed.number(1)));
  }
  TRY(contents.settings, settings());
  return contents;
}

Result<std::string> Book::meta(const std::string& name) {
  TRY(auto statement, database_.prepare("SELECT value FROM meta WHERE name = ?1"));
  statement.bind_text(1, name);
  TRY(const bool has_row, statement.step());
  return has_row ? statement.bytes(0) : std::string();
}

Result<> Book::set_meta(const std::string& name, const std::string& value) {
  TRY(auto statement, database_.prepare("INSERT OR REPLACE INTO meta VALUES (?1, ?2)"));
  statement.bind_text(1, name);
  statement.bind_text(2, value);
  return statement.run();
}

Result<std::string> Book::boot() { return meta("boot"); }
Result<> Book::set_boot(const std::string& boot) { return set_meta("boot", boot); }

/// "vxlan 1450 10.244.1.0/24 fd00:244:1::/64"
Result<> Book::set_settings(const GrantSettings& settings) {
  std::string text = fmt::format("{} {}", settings.kind, settings.mtu);
  for (const Cidr& range : settings.pod_cidrs) text += " " + to_string(range);
  return set_meta("settings", text);
}

Result<GrantSettings> Book::settings() {
  TRY(const std::string text, meta("settings"));
  std::istringstream words(text);
  GrantSettings settings;
  words >> settings.kind >> settings.mtu;
  for (std::string word; words >> word;) {
    TRY(const Cidr range, parse_cidr(word));
    settings.pod_cidrs.push_back(range);
  }
  return settings;
}

template <class Body>
Result<> Book::transaction(Body body) {
  TRY_VOID(database_.execute("BEGIN IMMEDIATE"));
  Result<> done = body();
  if (done) done = database_.execute("COMMIT");
  // The error that matters is the first; SQLite may have rolled back by itself.
  if (!done) static_cast<void>(database_.execute("ROLLBACK"));
  return done;
}

Result<> Book::add(const Attachment& attachment, const std::vector<Cursor>& cursors) {
  return transaction([&]() -> Result<> {
    TRY_VOID(update(attachment));
    for (const Ip& ip : attachment.ips) {
      const std::string address = to_string(ip);
      erase_freed_.bind_text(1, address);
      TRY_VOID(erase_freed_.run());
    }
    for (const Cursor& cursor : cursors) {
      const std::string range = to_string(cursor.range);
      add_cursor_.bind_text(1, range);
      add_cursor_.bind(2, static_cast<std::int64_t>(cursor.next));
      TRY_VOID(add_cursor_.run());
    }
    return {};
  });
}

Result<> Book::update(const Attachment& attachment) {
  const std::string body = to_json(attachment);
  bind_key(add_, attachment.key);
  add_.bind_text(4, body);
  return add_.run();
}

Result<> Book::set_leaving(const AttachmentKey& key) {
  bind_key(leave_, key);
  return leave_.run();
}

Result<> Book::erase(const std::vector<AttachmentKey>& keys,
                     const std::vector<FreedAddress>& freed) {
  return transaction([&]() -> Result<> {
    for (const AttachmentKey& key : keys) {
      bind_key(erase_, key);
      TRY_VOID(erase_.run());
    }
    for (const auto& [ip, turn] : freed) {
      const std::string address = to_string(ip);
      add_freed_.bind_text(1, address);
      add_freed_.bind(2, static_cast<std::int64_t>(turn));
      TRY_VOID(add_freed_.run());
    }
    return {};
  });
}

}  // namespace fairlead::podnet
