// Pools that come, change and go: their free lists, their numbers, and whom it concerns.
#include <algorithm>

#include "controlplane/addresses/address_book.hpp"

namespace fairlead::addresses {
namespace {

std::uint64_t number_of(const Ip& v4) {
  std::uint64_t number = 0;
  for (std::size_t i = 12; i < 16; ++i) number = number << 8U | v4.bytes[i];
  return number;
}

/// Of the addresses below `end`, those that end in 0 or 255.
std::uint64_t avoided_below(std::uint64_t end) { return (end + 255) / 256 + end / 256; }

std::uint64_t capacity_of(const IpRange& range, bool avoid) {
  std::uint64_t size = range.size();
  if (avoid && range.family() == Family::kIpv4) {
    size -= avoided_below(number_of(range.last) + 1) - avoided_below(number_of(range.first));
  }
  return std::min(size, PoolUse::kMost);
}

bool is_narrow(const AddressPool& pool) {
  return !pool.namespaces.empty() || !pool.services.requirements.empty();
}

bool within(const std::vector<IpRange>& ranges, const Ip& ip) {
  return std::ranges::any_of(ranges, [&](const IpRange& range) { return range.contains(ip); });
}

}  // namespace

std::vector<ObjectName> AddressBook::tenants_within(const std::vector<IpRange>& ranges,
                                                    const std::vector<IpRange>& but_not) const {
  std::vector<ObjectName> found;
  for (const IpRange& range : ranges) {
    auto tenancy = tenancies_.lower_bound(range.first);
    for (; tenancy != tenancies_.end() && tenancy->first <= range.last; ++tenancy) {
      if (within(but_not, tenancy->first)) continue;
      for (const auto& [service, ports] : tenancy->second.tenants) found.push_back(service);
    }
  }
  return found;
}

bool AddressBook::is_same(const AddressPool& pool) const {
  const auto known = pools_.find(pool.name);
  return known != pools_.end() && known->second.pool == pool;
}

std::vector<ObjectName> AddressBook::set_pool(AddressPool pool) {
  std::vector<IpRange> before;
  if (const auto known = pools_.find(pool.name); known != pools_.end()) {
    before = known->second.pool.ranges;
  }
  std::vector<ObjectName> concerned = tenants_within(before, pool.ranges);
  const std::vector<ObjectName> won = tenants_within(pool.ranges, before);
  concerned.insert(concerned.end(), won.begin(), won.end());

  Pool made;
  for (const IpRange& range : pool.ranges) {
    made.free.emplace_back(range);
    std::uint64_t& capacity = range.family() == Family::kIpv4 ? made.capacity_v4 : made.capacity_v6;
    capacity = std::min(capacity + capacity_of(range, pool.avoid_buggy_ips), PoolUse::kMost);
    auto tenancy = tenancies_.lower_bound(range.first);
    for (; tenancy != tenancies_.end() && tenancy->first <= range.last; ++tenancy) {
      ++(tenancy->first.is_v4() ? made.assigned_v4 : made.assigned_v6);
    }
  }
  const std::string name = pool.name;
  made.pool = std::move(pool);
  pools_.insert_or_assign(name, std::move(made));
  order_pools();
  changed_.insert(name);
  freed_ = true;
  return concerned;
}

std::vector<ObjectName> AddressBook::remove_pool(const std::string& name) {
  const auto known = pools_.find(name);
  if (known == pools_.end()) return {};
  std::vector<ObjectName> concerned = tenants_within(known->second.pool.ranges, {});
  pools_.erase(known);
  order_pools();
  return concerned;
}

void AddressBook::order_pools() {
  order_.clear();
  places_.clear();
  for (auto& [name, pool] : pools_) {
    order_.push_back(&pool);
    for (const IpRange& range : pool.pool.ranges) {
      places_.try_emplace(range.first, range.last, &pool);
    }
  }
  std::ranges::stable_partition(order_, [](const Pool* pool) { return is_narrow(pool->pool); });
}

std::optional<PoolUse> AddressBook::use_of(const std::string& pool) const {
  const auto found = pools_.find(pool);
  if (found == pools_.end()) return std::nullopt;
  const Pool& of = found->second;
  const auto left = [](std::uint64_t capacity, std::uint64_t assigned) {
    return capacity > assigned ? capacity - assigned : 0;
  };
  return PoolUse{of.assigned_v4, of.assigned_v6, left(of.capacity_v4, of.assigned_v4),
                 left(of.capacity_v6, of.assigned_v6)};
}

}  // namespace fairlead::addresses
