// What pods have, on disk: each call is one transaction. SQLite, without fsync: it survives the
// process at any step, and the pods do not survive the machine.
//
//   attachments: key, state, the Attachment as JSON      cursors, freed: where Addresses goes on
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/podnet/addresses.hpp"
#include "dataplane/podnet/attachment.hpp"
#include "model/result.hpp"
#include "sqlite/database.hpp"

namespace fairlead::podnet {

enum class Standing : std::uint8_t { kHeld, kLeaving };

using FreedAddress = std::pair<Ip, std::uint64_t>;  // and its turn

/// What pods to come get; as the last agent knew it, so that the next one need not wait for the
/// API.
struct GrantSettings {
  std::vector<Cidr> pod_cidrs;
  std::uint32_t mtu = 0;
  std::string kind;  // of the network that they are for
  bool operator==(const GrantSettings&) const = default;
};

struct BookContents {
  std::vector<std::pair<Attachment, Standing>> attachments;
  std::vector<Cursor> cursors;
  std::vector<FreedAddress> freed;
  GrantSettings settings;
};

class Book {
 public:
  /// Makes the file if there is none. `damage`: what was wrong with the one that was there; it has
  /// been set aside beside the new one.
  static Result<Book> open(const std::string& path, std::optional<std::string>& damage);

  [[nodiscard]] Result<BookContents> read();
  /// The boot at which it was written; "" for a new one.
  [[nodiscard]] Result<std::string> boot();
  Result<> set_boot(const std::string& boot);
  Result<> set_settings(const GrantSettings& settings);

  /// `cursors`: of the ranges that its addresses are of. They are no longer in the line.
  Result<> add(const Attachment& attachment, const std::vector<Cursor>& cursors);
  Result<> update(const Attachment& attachment);
  Result<> set_leaving(const AttachmentKey& key);
  Result<> erase(const std::vector<AttachmentKey>& keys, const std::vector<FreedAddress>& freed);

 private:
  explicit Book(sqlite::Database database) : database_(std::move(database)) {}
  static Result<Book> open_sound(const std::string& path);
  Result<> prepare();
  Result<GrantSettings> settings();
  Result<std::string> meta(const std::string& name);
  Result<> set_meta(const std::string& name, const std::string& value);
  template <class Body>
  Result<> transaction(Body body);

  sqlite::Database database_;
  sqlite::Statement add_, leave_, erase_, add_cursor_, add_freed_, erase_freed_;
};

}  // namespace fairlead::podnet
