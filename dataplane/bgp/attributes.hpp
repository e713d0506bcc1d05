// What a peer says about a path: the values behind an UPDATE's attributes, without their wire form.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "dataplane/bgp/types.hpp"

namespace fairlead::bgp {

/// Ordered by preference: the lowest is the best (RFC 4271 9.1.2.2 b).
enum class Origin : std::uint8_t { kIgp = 0, kEgp = 1, kIncomplete = 2 };

struct AsSegment {
  enum class Kind : std::uint8_t { kSet = 1, kSequence = 2 };
  Kind kind = Kind::kSequence;
  std::vector<AsNumber> numbers{};  // never empty in a decoded path
  bool operator==(const AsSegment&) const = default;
};

/// Nearest AS first. Empty for what an internal peer itself originated.
struct AsPath {
  std::vector<AsSegment> segments{};
  bool operator==(const AsPath&) const = default;

  /// For comparing paths: a set counts as one, however many it holds (RFC 4271 9.1.2.2 a).
  [[nodiscard]] std::size_t length() const;
  [[nodiscard]] bool contains(AsNumber as) const;
  /// The AS that was put in front last: nothing for an empty path or one that begins with a set.
  [[nodiscard]] std::optional<AsNumber> first() const;
  /// The AS where the route began: nothing for an empty path or one that ends in a set.
  [[nodiscard]] std::optional<AsNumber> origin() const;
  void prepend(AsNumber as, std::size_t times = 1);
};

/// Who aggregated: its AS and its address (RFC 4271 5.1.7).
struct Aggregator {
  AsNumber as{};
  RouterId address{};
  bool operator==(const Aggregator&) const = default;
};

/// `address` may be of the other family: IPv4 prefixes through an IPv6 next hop (RFC 8950). It may
/// itself be link-local (unnumbered links). `link_local` only beside a global IPv6 address (RFC
/// 2545 3).
struct NextHop {
  Ip address{};
  std::optional<Ip> link_local{};
  bool operator==(const NextHop&) const = default;
};

/// A decoded announcement always has origin, path and next hop; whatever else is there was in the
/// message and is well-formed. What only internal peers may say (local_preference, originator_id,
/// cluster_list) is neither decoded from nor encoded for an external one.
struct PathAttributes {
  Origin origin = Origin::kIgp;
  AsPath as_path{};
  NextHop next_hop{};
  std::optional<std::uint32_t> med{};
  std::optional<std::uint32_t> local_preference{};
  bool atomic_aggregate = false;
  std::optional<Aggregator> aggregator{};
  std::vector<Community> communities{};
  std::vector<LargeCommunity> large_communities{};
  std::vector<ExtendedCommunity> extended_communities{};
  std::optional<RouterId> originator_id{};
  std::vector<RouterId> cluster_list{};  // nearest reflector first
  std::optional<AsNumber> only_to_customer{};
  bool operator==(const PathAttributes&) const = default;
};

/// Equal attributes have equal hashes, in one process: for tables that keep each set once.
std::size_t hash_of(const PathAttributes& attributes);

}  // namespace fairlead::bgp

template <>
struct std::hash<fairlead::bgp::PathAttributes> {
  std::size_t operator()(const fairlead::bgp::PathAttributes& attributes) const {
    return fairlead::bgp::hash_of(attributes);
  }
};
