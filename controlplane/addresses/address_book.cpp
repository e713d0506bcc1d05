// Wish -> what the Service holds already -> what it asks for by address -> the first pool that has
// something left. Each step may refuse; what is held stays then.
#include "controlplane/addresses/address_book.hpp"

#include <algorithm>

namespace fairlead::addresses {
namespace {

std::string_view name_of(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }

const Ip* of_family(const std::vector<Ip>& ips, Family family) {
  const auto found = std::ranges::find_if(ips, [&](const Ip& ip) { return ip.family() == family; });
  return found == ips.end() ? nullptr : &*found;
}

bool share_a_port(const std::vector<PortUse>& a, const std::vector<PortUse>& b) {
  return std::ranges::any_of(
      a, [&](const PortUse& port) { return std::ranges::find(b, port) != b.end(); });
}

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace

AddressBook::Pool* AddressBook::pool_of(const Ip& ip) {
  auto place = places_.upper_bound(ip);
  if (place == places_.begin()) return nullptr;
  --place;
  const auto& [last, pool] = place->second;
  return ip <= last && ip.family() == last.family() ? pool : nullptr;
}

bool AddressBook::may_claim(const Wish& wish, const Ip& ip) const {
  const auto tenancy = tenancies_.find(ip);
  if (tenancy == tenancies_.end()) return true;
  const Tenancy& there = tenancy->second;
  if (there.sharing_key.empty() || there.sharing_key != wish.sharing_key) return false;
  if (there.backend != wish.backend) return false;
  return std::ranges::none_of(there.tenants, [&](const auto& tenant) {
    return tenant.first != wish.service && share_a_port(tenant.second, wish.ports);
  });
}

void AddressBook::claim(const Wish& wish, const Ip& ip) {
  const auto [entry, made] = tenancies_.try_emplace(ip);
  Tenancy& tenancy = entry->second;
  if (made) {
    tenancy.sharing_key = wish.sharing_key;
    tenancy.backend = wish.backend;
    if (!wish.sharing_key.empty()) shared_[wish.sharing_key].insert(ip);
    count(ip, 1);
  }
  tenancy.tenants[wish.service] = wish.ports;
  addresses_of_[wish.service].push_back(ip);
}

void AddressBook::leave(const ObjectName& service, const Ip& ip) {
  const auto tenancy = tenancies_.find(ip);
  if (tenancy == tenancies_.end()) return;
  tenancy->second.tenants.erase(service);
  if (!tenancy->second.tenants.empty()) return;
  if (const auto shared = shared_.find(tenancy->second.sharing_key); shared != shared_.end()) {
    shared->second.erase(ip);
    if (shared->second.empty()) shared_.erase(shared);
  }
  tenancies_.erase(tenancy);
  count(ip, -1);
  if (Pool* pool = pool_of(ip)) {
    for (FreeList& list : pool->free) {
      if (list.range().contains(ip)) list.put_back(ip);
    }
  }
}

void AddressBook::count(const Ip& ip, int change) {
  Pool* pool = pool_of(ip);
  if (pool == nullptr) return;
  std::uint64_t& number = ip.is_v4() ? pool->assigned_v4 : pool->assigned_v6;
  number = change > 0 ? number + 1 : number - 1;
  changed_.insert(pool->pool.name);
}

void AddressBook::release(const ObjectName& service) {
  const auto held = addresses_of_.extract(service);
  if (held.empty()) return;
  for (const Ip& ip : held.mapped()) leave(service, ip);
  freed_ = true;
}

/// Everything is let go first, so that a Service that has changed is judged as a new one; what it
/// may have stays its own, since nobody else is asked in between.
AddressBook::Request AddressBook::begin(const Wish& wish, const std::vector<Ip>& held) {
  if (const auto known = addresses_of_.extract(wish.service); !known.empty()) {
    for (const Ip& ip : known.mapped()) leave(wish.service, ip);
  }
  Request request{wish, {}};
  for (const Ip& ip : held) {
    const bool wanted = std::ranges::find(wish.families, ip.family()) != wish.families.end();
    if (!wanted || request.held.contains(ip.family())) continue;
    if (may_claim(wish, ip)) {
      request.held.emplace(ip.family(), ip);
    } else {
      request.refuse("AddressInUse", to_string(ip) + " belongs to " + holder_of(ip));
    }
  }
  return request;
}

std::vector<Ip> AddressBook::keep(const Wish& wish, const std::vector<Ip>& held) {
  const Request request = begin(wish, held);
  std::vector<Ip> kept;
  for (const Family family : wish.families) {
    const auto found = request.held.find(family);
    if (found == request.held.end()) continue;
    claim(wish, found->second);
    kept.push_back(found->second);
  }
  return kept;
}

Answer AddressBook::assign(const Wish& wish, const std::vector<Ip>& held) {
  const auto before = addresses_of_.find(wish.service);
  const std::vector<Ip> had =
      before == addresses_of_.end() ? std::vector<Ip>{} : std::vector<Ip>(before->second);
  Request request = begin(wish, held);
  Answer answer;
  std::size_t missing = 0;
  for (const Family family : wish.families) {
    if (const auto ip = answer_family(request, family)) {
      claim(wish, *ip);
      answer.addresses.push_back(*ip);
    } else {
      ++missing;
    }
  }
  if (wish.needs_all && missing > 0) {
    // What it has been reached at stays.
    std::erase_if(answer.addresses, [&](const Ip& ip) {
      const auto kept = request.held.find(ip.family());
      if (kept != request.held.end() && kept->second == ip) return false;
      leave(wish.service, ip);
      std::erase(addresses_of_[wish.service], ip);
      return true;
    });
    if (answer.addresses.empty()) addresses_of_.erase(wish.service);
  }
  answer.refusal = std::move(request.refusal);
  for (const Ip& ip : had) {
    if (std::ranges::find(answer.addresses, ip) == answer.addresses.end()) freed_ = true;
  }
  return answer;
}

std::optional<Ip> AddressBook::answer_family(Request& request, Family family) {
  const auto kept = request.held.find(family);
  const std::optional<Ip> held =
      kept == request.held.end() ? std::nullopt : std::optional<Ip>(kept->second);
  if (request.wish.mistake) {
    request.refusal = request.wish.mistake;
    return held;
  }
  if (const Ip* wanted = of_family(request.wish.requested, family)) {
    if (held == *wanted) {
      note_place(request, *held);
      return held;
    }
    const auto given = requested(request, *wanted);
    return given ? given : held;
  }
  if (held) {
    const Pool* pool = pool_of(*held);
    const bool elsewhere = pool == nullptr || pool->pool.name != request.wish.pool;
    if (request.wish.pool.empty() || !elsewhere) {
      note_place(request, *held);
      return held;
    }
  }
  const auto found = find(request, family);
  return found ? found : held;
}

/// A Service keeps what no pool has any more, and its owner hears of it.
void AddressBook::note_place(Request& request, const Ip& ip) {
  if (pools_.empty() || pool_of(ip) != nullptr) return;
  request.refuse("AddressNotInPool", to_string(ip) +
                                         " is in no AddressPool; the Service keeps it until it is "
                                         "deleted or asks for another");
}

std::optional<Ip> AddressBook::requested(Request& request, const Ip& ip) {
  const Wish& wish = request.wish;
  const Pool* pool = pool_of(ip);
  if (pool == nullptr || !pool->pool.may_give(ip)) {
    request.refuse("AddressNotInPool",
                   "the requested address " + to_string(ip) +
                       (pool == nullptr ? " is in no AddressPool"
                                        : " is one that AddressPool " + in_quotes(pool->pool.name) +
                                              " avoids"));
    return std::nullopt;
  }
  const std::string& name = pool->pool.name;
  if (!wish.pool.empty() && wish.pool != name) {
    request.refuse("AddressNotInPool", "the requested address " + to_string(ip) +
                                           " is of AddressPool " + in_quotes(name) + ", not of " +
                                           in_quotes(wish.pool));
    return std::nullopt;
  }
  if (!pool->pool.serves(wish.service.ns, wish.labels)) {
    request.refuse("AddressNotInPool", "the requested address " + to_string(ip) +
                                           " is of AddressPool " + in_quotes(name) +
                                           ", which is not for this Service");
    return std::nullopt;
  }
  if (!may_claim(wish, ip)) {
    request.refuse("AddressInUse",
                   "the requested address " + to_string(ip) + " belongs to " + holder_of(ip));
    return std::nullopt;
  }
  return ip;
}

std::string AddressBook::holder_of(const Ip& ip) const {
  const auto tenancy = tenancies_.find(ip);
  if (tenancy == tenancies_.end()) return "nobody";
  const auto& tenants = tenancy->second.tenants;
  const std::string first = "Service " + to_string(tenants.begin()->first);
  return tenants.size() == 1 ? first
                             : first + " and " + std::to_string(tenants.size() - 1) + " more";
}

/// The pools that may be asked. Refuses where there is none.
std::vector<AddressBook::Pool*> AddressBook::eligible(Request& request, Family family) {
  const Wish& wish = request.wish;
  if (!wish.pool.empty()) {
    const auto found = pools_.find(wish.pool);
    if (found == pools_.end()) {
      request.refuse("NoAddressPool", "AddressPool " + in_quotes(wish.pool) + " does not exist");
      return {};
    }
    if (!found->second.pool.serves(wish.service.ns, wish.labels)) {
      request.refuse("NoAddressPool",
                     "AddressPool " + in_quotes(wish.pool) + " is not for this Service");
      return {};
    }
  }
  std::vector<Pool*> pools;
  for (Pool* pool : order_) {
    const bool meant = wish.pool.empty() ? pool->pool.auto_assign &&
                                               pool->pool.serves(wish.service.ns, wish.labels)
                                         : pool->pool.name == wish.pool;
    const bool has_family = (family == Family::kIpv4 ? pool->capacity_v4 : pool->capacity_v6) > 0;
    if (meant && has_family) pools.push_back(pool);
  }
  // Of two families that are welcome and not required, one may have no pool.
  const bool optional = !wish.needs_all && wish.families.size() > 1 && family != wish.families[0];
  if (pools.empty() && !optional) {
    request.refuse("NoAddressPool", pools_.empty()
                                        ? "no AddressPool exists"
                                        : "no AddressPool gives " + std::string(name_of(family)) +
                                              " addresses to this Service");
  }
  return pools;
}

std::optional<Ip> AddressBook::find(Request& request, Family family) {
  const std::vector<Pool*> pools = eligible(request, family);
  std::string asked;
  for (Pool* pool : pools) {
    if (const auto ip = find_in(*pool, request.wish, family)) return ip;
    const std::uint64_t size = family == Family::kIpv4 ? pool->capacity_v4 : pool->capacity_v6;
    asked += (asked.empty() ? "" : ", ") + in_quotes(pool->pool.name) + " (" +
             std::to_string(size) + ")";
  }
  if (!pools.empty()) {
    request.refuse("AddressPoolExhausted", "all " + std::string(name_of(family)) +
                                               " addresses are assigned of AddressPool" +
                                               (pools.size() > 1 ? "s " : " ") + asked);
  }
  return std::nullopt;
}

std::optional<Ip> AddressBook::find_in(Pool& pool, const Wish& wish, Family family) {
  if (const auto shared = shared_.find(wish.sharing_key); shared != shared_.end()) {
    for (const Ip& ip : shared->second) {
      if (ip.family() == family && pool.pool.may_give(ip) && may_claim(wish, ip)) return ip;
    }
  }
  const auto usable = [&](const Ip& ip) {
    return !tenancies_.contains(ip) && pool.pool.may_give(ip);
  };
  for (FreeList& list : pool.free) {
    if (list.range().family() != family) continue;
    if (const auto ip = list.take(usable)) return ip;
  }
  return std::nullopt;
}

}  // namespace fairlead::addresses
