// Which addresses of the node's ranges are whose, and which comes next. Pure.
//
//   never given ones, in order -> those that were freed, the one that has been free longest first
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "model/ip.hpp"
#include "model/ip_range.hpp"

namespace fairlead::podnet {

/// A range's next address that was never given: its number within the range.
struct Cursor {
  Cidr range;
  std::uint64_t next = 1;
  bool operator==(const Cursor&) const = default;
};

class Addresses {
 public:
  /// The next free address of the ranges, which are of one family; nothing if all are held.
  /// The first address of a range is not given, nor IPv4's last.
  std::optional<Ip> take_next(std::span<const Cidr> ranges);
  /// The same of a part of a subnet; what was never given is looked for from its start.
  std::optional<Ip> take_next(const IpRange& part);
  /// False: held already.
  bool take(const Ip& address);
  /// Goes to the end of the line; the turn that it gets. Of a range so large that its line would
  /// never come round (more than 2^32) it is forgotten instead: nothing.
  std::optional<std::uint64_t> release(const Ip& address, std::span<const Cidr> ranges);

  [[nodiscard]] bool is_held(const Ip& address) const { return held_.contains(address); }
  [[nodiscard]] bool has_free(std::span<const Cidr> ranges) const;

  /// For the book.
  [[nodiscard]] Cursor cursor(const Cidr& range) const;
  void set_cursor(const Cursor& cursor) { next_[cursor.range] = cursor.next; }
  /// A freed address and its turn; a lower one comes sooner.
  void set_free(const Ip& address, std::uint64_t turn);

 private:
  template <class Predicate>
  std::optional<Ip> take_oldest(Predicate is_wanted);
  /// The number of the next one that nobody holds; none: the range's end.
  [[nodiscard]] std::uint64_t fresh_number(const Cidr& range) const;

  std::set<Ip> held_;
  std::map<Cidr, std::uint64_t> next_;
  std::map<Ip, std::uint64_t> turns_;  // of freed addresses
  std::map<std::uint64_t, Ip> line_;   // the same, by turn
  std::uint64_t last_turn_ = 0;
};

/// How many addresses a range gives, at most 2^62: a /24 253... a /32 or /128 its only one.
std::uint64_t usable_addresses(const Cidr& range);
/// From the first of them to the last; of a range with more than 2^62 the last of so many.
IpRange usable_range(const Cidr& range);

}  // namespace fairlead::podnet
