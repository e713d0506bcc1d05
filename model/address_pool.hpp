// fairlead.io/v1alpha1 AddressPool as a value: the addresses that Services of type LoadBalancer
// get.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/ip_range.hpp"
#include "model/labels.hpp"

namespace fairlead {

/// How a pool's addresses become known outside the cluster.
enum class Announce : std::uint8_t { kBgp, kLayer2, kNone };

struct AddressPool {
  std::string name;
  std::vector<IpRange> ranges;          // in the object's order; none overlaps another
  bool auto_assign = true;              // also to Services that do not ask for it
  bool avoid_buggy_ips = false;         // IPv4 addresses that end in .0 or .255 are not given
  LabelSelector services;               // labels of Services that may have an address of it
  std::vector<std::string> namespaces;  // empty: every namespace
  Announce announce = Announce::kBgp;
  bool operator==(const AddressPool&) const = default;

  [[nodiscard]] bool contains(const Ip& ip) const;
  /// In its ranges, and not one that it avoids.
  [[nodiscard]] bool may_give(const Ip& ip) const;
  [[nodiscard]] bool serves(std::string_view ns, const Labels& service_labels) const;
};

/// Refuses what no Service can be reached at: ranges with loopback, link-local, multicast, reserved
/// or unspecified addresses.
Result<> check_pool_range(const IpRange& range);

}  // namespace fairlead
