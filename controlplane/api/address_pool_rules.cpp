// AddressPools: their ranges are nobody else's, neither another pool's nor the cluster's own.
#include <algorithm>
#include <memory>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/rules.hpp"
#include "controlplane/api/selector_rules.hpp"
#include "model/address_pool.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kExpected =
    "must be a CIDR or a range, (e.g. 192.0.2.0/24 or 192.0.2.10-192.0.2.20)";

struct Listed {
  std::size_t index;
  IpRange range;
};

/// Those that can be read.
std::vector<Listed> ranges_of(const json::object& pool) {
  std::vector<Listed> ranges;
  const json::array& addresses = array_at(pool, {"spec", "addresses"});
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (auto range = parse_ip_range(text_of(addresses[i]))) ranges.push_back({i, *range});
  }
  return ranges;
}

std::string name_of(const json::object& pool) {
  return std::string(text_at(pool, {"metadata", "name"}));
}

/// What of the cluster's own a range overlaps with; "" if nothing.
std::string own_range(const IpRange& range, const Allocators& allocators) {
  for (const IpPool& pool : allocators.cluster_ips) {
    if (range_of(pool.cidr()).overlaps(range)) {
      return "the range of ClusterIPs " + to_string(pool.cidr());
    }
  }
  for (const SubnetPool& pool : allocators.pod_networks) {
    if (range_of(pool.network()).overlaps(range)) {
      return "the range of pods " + to_string(pool.network());
    }
  }
  return {};
}

void check_ranges(const json::array& addresses, FieldErrors& errors) {
  std::vector<Listed> before;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const std::string field = indexed("spec.addresses", i);
    const auto range = parse_ip_range(text_of(addresses[i]));
    if (!range) {
      errors.push_back(invalid_value(field, addresses[i], kExpected));
      continue;
    }
    if (auto checked = check_pool_range(*range); !checked) {
      errors.push_back(invalid_value(field, addresses[i], checked.error().doing));
    }
    const auto other = std::ranges::find_if(
        before, [&](const Listed& listed) { return listed.range.overlaps(*range); });
    if (other != before.end()) {
      errors.push_back(invalid_value(field, addresses[i],
                                     "overlaps with " + indexed("spec.addresses", other->index)));
    }
    before.push_back({i, *range});
  }
}

}  // namespace

void default_address_pool(json::object& pool) {
  json::object& spec = ensure_object(pool, "spec");
  if (!spec.contains("autoAssign")) spec["autoAssign"] = true;
  if (!spec.contains("avoidBuggyIPs")) spec["avoidBuggyIPs"] = false;
  if (!spec.contains("announce")) spec["announce"] = "BGP";
}

void begin_address_pool(json::object& pool) { pool.erase("status"); }

void validate_address_pool(const json::object& pool, FieldErrors& errors) {
  const json::object& spec = object_at(pool, {"spec"});
  const json::array& addresses = array_at(spec, {"addresses"});
  if (addresses.empty()) {
    errors.push_back(required("spec.addresses"));
  } else if (constexpr std::size_t kMost = 1000; addresses.size() > kMost) {
    errors.push_back(too_many("spec.addresses", addresses.size(), kMost));
  } else {
    check_ranges(addresses, errors);
  }
  validate_selector(spec, "serviceSelector", errors);
  validate_names(spec, "namespaces", errors);
  const std::string_view announce = text_at(spec, {"announce"});
  if (announce != "BGP" && announce != "Layer2" && announce != "None") {
    errors.push_back(
        not_supported("spec.announce", json::value(announce), {"BGP", "Layer2", "None"}));
  }
}

ApiResult<void> allocate_address_pool(const json::object* old, json::object& pool,
                                      const WriteContext& context, Reservation& reservation) {
  const std::string name = name_of(pool);
  AddressRanges& all = context.allocators.pool_ranges;
  const json::array& addresses = array_at(pool, {"spec", "addresses"});
  FieldErrors errors;
  for (const auto& [index, range] : ranges_of(pool)) {
    std::string other = own_range(range, context.allocators);
    if (const auto taken = all.conflict(name, range)) {
      other = to_string(taken->range) + " of AddressPool \"" + taken->pool + "\"";
    }
    if (other.empty()) continue;
    errors.push_back(invalid_value(indexed("spec.addresses", index), addresses[index],
                                   "overlaps with " + other));
  }
  if (!errors.empty()) {
    const ResourceType& type = *find_kind("fairlead.io", "v1alpha1", "AddressPool");
    return tl::unexpected(invalid_object(type, name, errors));
  }
  if (context.dry_run) return {};
  for (const auto& [index, range] : ranges_of(pool)) {
    all.add(name, range);
    reservation.on_roll_back([&all, name, taken = range] { all.remove(name, taken); });
  }
  if (old == nullptr) return {};
  for (const auto& [index, range] : ranges_of(*old)) {
    reservation.on_commit([&all, name, had = range] { all.remove(name, had); });
  }
  return {};
}

void release_address_pool(const json::object& pool, Allocators& allocators) {
  for (const auto& [index, range] : ranges_of(pool)) {
    allocators.pool_ranges.remove(name_of(pool), range);
  }
}

void adopt_address_pool(const json::object& pool, Allocators& allocators,
                        std::vector<Problem>& problems) {
  const std::string name = name_of(pool);
  for (const auto& [index, range] : ranges_of(pool)) {
    const std::string own = own_range(range, allocators);
    if (!own.empty()) {
      problems.push_back(
          {"AddressPool " + name, indexed("spec.addresses", index), "overlaps with " + own});
    }
    allocators.pool_ranges.add(name, range);
  }
}

}  // namespace fairlead::api
