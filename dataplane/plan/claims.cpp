// One ordered set holds every claim: by address, ClusterIPs first, then port and protocol, then age
// and name. So the holder of a frontend is the first of its group, and whether an address is a
// ClusterIP is the first entry of the address.
#include "dataplane/plan/claims.hpp"

#include <tuple>

namespace fairlead {

bool Claims::Claim::operator<(const Claim& other) const {
  const auto key = [](const Claims::Claim& c) {
    return std::tie(c.address, c.rank, c.port, c.protocol, c.created);
  };
  if (key(*this) != key(other)) return key(*this) < key(other);
  // No name goes before all names: the bounds of a search have none.
  if (service == nullptr || other.service == nullptr) {
    return service == nullptr && other.service != nullptr;
  }
  return *service < *other.service;
}

bool Claims::Claim::asks_for_the_same(const Claim& other) const {
  return address == other.address && rank == other.rank && port == other.port &&
         protocol == other.protocol;
}

Claims::Claim Claims::make(const Service& service, const WantedFrontend& wanted) {
  return {wanted.address,  wanted.is_cluster_ip() ? Rank::kClusterIp : Rank::kExternal,
          wanted.port,     wanted.protocol,
          service.created, &service.name};
}

Claims::Claim Claims::first_at(const Ip& address, Rank rank) {
  return {address, rank, Port{}, Protocol{}, Time::min(), nullptr};
}

Claims::Claim Claims::first_of_group(Claim claim) {
  claim.created = Time::min();
  claim.service = nullptr;
  return claim;
}

const Claims::Claim* Claims::cluster_ip_at(const Ip& address) const {
  const auto first = claims_.lower_bound(first_at(address, Rank::kClusterIp));
  const bool is_one =
      first != claims_.end() && first->address == address && first->rank == Rank::kClusterIp;
  return is_one ? &*first : nullptr;
}

void Claims::collect_rivals(const Claim& claim, std::set<ObjectName>& rivals) const {
  for (auto it = claims_.lower_bound(first_of_group(claim));
       it != claims_.end() && it->asks_for_the_same(claim); ++it) {
    rivals.insert(*it->service);
  }
  if (claim.rank != Rank::kClusterIp) return;
  for (auto it = claims_.lower_bound(first_at(claim.address, Rank::kExternal));
       it != claims_.end() && it->address == claim.address; ++it) {
    rivals.insert(*it->service);
  }
}

void Claims::add(const Service& service, std::span<const WantedFrontend> wanted,
                 std::set<ObjectName>& rivals) {
  for (const WantedFrontend& frontend : wanted) {
    const Claim claim = make(service, frontend);
    collect_rivals(claim, rivals);
    claims_.insert(claim);
  }
}

void Claims::remove(const Service& service, std::span<const WantedFrontend> wanted,
                    std::set<ObjectName>& rivals) {
  for (const WantedFrontend& frontend : wanted) {
    const Claim claim = make(service, frontend);
    claims_.erase(claim);
    collect_rivals(claim, rivals);
  }
}

std::optional<std::string> Claims::why_lost(const Service& service,
                                            const WantedFrontend& wanted) const {
  if (!wanted.is_cluster_ip()) {
    if (const Claim* owner = cluster_ip_at(wanted.address)) {
      return "is the ClusterIP of Service " + to_string(*owner->service);
    }
  }
  const Claim group = first_of_group(make(service, wanted));
  const auto holder = claims_.lower_bound(group);
  if (holder == claims_.end() || !holder->asks_for_the_same(group) ||
      *holder->service == service.name) {
    return std::nullopt;
  }
  return "is already taken by Service " + to_string(*holder->service) +
         (holder->created < service.created ? ", which is older" : ", whose name comes first");
}

}  // namespace fairlead
