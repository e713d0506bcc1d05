// Who has which address of which pool. Pure: wishes in, addresses out.
//
//   set_pool(…)                        what there is
//   keep(wish, held)  for each         at start: what Services have is theirs
//   assign(wish, held)                 from then on, at each change of a Service
//
// No address is ever given to two Services that do not share it. What a Service has stays with it,
// also where no pool has it any longer: taking it away would end traffic that works.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/addresses/free_list.hpp"
#include "controlplane/addresses/wish.hpp"
#include "model/address_pool.hpp"

namespace fairlead::addresses {

/// Addresses of a pool by family. Numbers end at kMost, which JSON's readers still count exactly.
struct PoolUse {
  static constexpr std::uint64_t kMost = (1ULL << 53U) - 1;
  std::uint64_t assigned_v4 = 0, assigned_v6 = 0;
  std::uint64_t available_v4 = 0, available_v6 = 0;
  bool operator==(const PoolUse&) const = default;
};

class AddressBook {
 public:
  /// Adds a pool or replaces it. The Services whose addresses it has lost or won.
  std::vector<ObjectName> set_pool(AddressPool pool);
  std::vector<ObjectName> remove_pool(const std::string& name);
  [[nodiscard]] bool is_same(const AddressPool& pool) const;
  [[nodiscard]] bool has_pools() const { return !pools_.empty(); }
  /// nullopt: no such pool.
  [[nodiscard]] std::optional<PoolUse> use_of(const std::string& pool) const;

  /// Of the addresses in `held`, the first of each family that is nobody else's becomes the
  /// Service's; no others are given.
  std::vector<Ip> keep(const Wish& wish, const std::vector<Ip>& held);
  /// The same, and what is missing is given.
  Answer assign(const Wish& wish, const std::vector<Ip>& held);
  /// All that the Service has is free.
  void release(const ObjectName& service);
  [[nodiscard]] bool holds(const ObjectName& service) const {
    return addresses_of_.contains(service);
  }

  /// Since the last call: an address has become free; pools whose use is another.
  bool take_freed() { return std::exchange(freed_, false); }
  std::set<std::string> take_changed() { return std::exchange(changed_, {}); }

 private:
  struct Tenancy {
    std::string sharing_key, backend;
    std::map<ObjectName, std::vector<PortUse>> tenants;
  };
  struct Pool {
    AddressPool pool;
    std::vector<FreeList> free;  // one a range
    std::uint64_t capacity_v4 = 0, capacity_v6 = 0;
    std::uint64_t assigned_v4 = 0, assigned_v6 = 0;
  };
  using Pools = std::map<std::string, Pool, std::less<>>;
  /// One Service being answered.
  struct Request {
    const Wish& wish;
    std::map<Family, Ip> held;  // claimable, first of each family
    std::optional<Refusal> refusal = {};
    void refuse(std::string reason, std::string message) {
      if (!refusal) refusal = Refusal{std::move(reason), std::move(message)};
    }
  };

  [[nodiscard]] Pool* pool_of(const Ip& ip);
  [[nodiscard]] bool may_claim(const Wish& wish, const Ip& ip) const;
  void claim(const Wish& wish, const Ip& ip);
  void leave(const ObjectName& service, const Ip& ip);
  void count(const Ip& ip, int change);
  [[nodiscard]] Request begin(const Wish& wish, const std::vector<Ip>& held);
  std::optional<Ip> answer_family(Request& request, Family family);
  std::optional<Ip> requested(Request& request, const Ip& ip);
  std::optional<Ip> find(Request& request, Family family);
  std::optional<Ip> find_in(Pool& pool, const Wish& wish, Family family);
  [[nodiscard]] std::vector<Pool*> eligible(Request& request, Family family);
  [[nodiscard]] std::string holder_of(const Ip& ip) const;
  void note_place(Request& request, const Ip& ip);
  void order_pools();
  [[nodiscard]] std::vector<ObjectName> tenants_within(const std::vector<IpRange>& ranges,
                                                       const std::vector<IpRange>& but_not) const;

  Pools pools_;
  std::vector<Pool*> order_;  // in which they are asked: those for some Services only come first
  std::map<Ip, std::pair<Ip, Pool*>> places_;  // first address of a range -> last, pool
  std::map<Ip, Tenancy> tenancies_;
  std::map<ObjectName, std::vector<Ip>> addresses_of_;
  std::map<std::string, std::set<Ip>, std::less<>> shared_;  // by sharing key
  std::set<std::string> changed_;
  bool freed_ = false;
};

}  // namespace fairlead::addresses
