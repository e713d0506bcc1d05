// One ordered set holds every claim: by address, ClusterIPs first and host ports last, then port
// and protocol, then age and name. So the holder of a frontend is the first of its group, and
// whether an address is a ClusterIP is the first entry of the address. NodePorts are at the
// unspecified address, and so is each host port once more, to be found as their rival.
#include "dataplane/plan/claims.hpp"

#include <tuple>

namespace fairlead {

bool Claims::Claim::operator<(const Claim& other) const {
  const auto key = [](const Claims::Claim& c) {
    return std::tie(c.address, c.rank, c.port, c.protocol, c.created);
  };
  if (key(*this) != key(other)) return key(*this) < key(other);
  // No name goes before all names: the bounds of a search have none.
  if (who == nullptr || other.who == nullptr) return who == nullptr && other.who != nullptr;
  return *who < *other.who;
}

bool Claims::Claim::asks_for_the_same(const Claim& other) const {
  return address == other.address && rank == other.rank && port == other.port &&
         protocol == other.protocol;
}

Claims::Rank Claims::rank_of(FrontendKind kind) {
  if (kind == FrontendKind::kClusterIp) return Rank::kClusterIp;
  return kind == FrontendKind::kHostPort ? Rank::kHostPort : Rank::kExternal;
}

Claims::Claim Claims::make(const Claimant& who, const WantedFrontend& wanted) {
  return {wanted.address,  rank_of(wanted.kind), wanted.port,
          wanted.protocol, who.created,          &who.name};
}

Claims::Claim Claims::first_at(const Ip& address, Rank rank) {
  return {address, rank, Port{}, Protocol{}, Time::min(), nullptr};
}

Claims::Claim Claims::first_of_group(Claim claim) {
  claim.created = Time::min();
  claim.who = nullptr;
  return claim;
}

Claims::Claim Claims::of_rank(Claim claim, Rank rank) {
  claim.rank = rank;
  return claim;
}

std::string Claims::owner_of(const Claim& claim) {
  if (claim.rank != Rank::kHostPort) return "Service " + to_string(*claim.who);
  const std::string& name = claim.who->name;  // of host_ports_name()
  return "Pod " + to_string(ObjectName{claim.who->ns, name.substr(name.find('@') + 1)});
}

const Claims::Claim* Claims::cluster_ip_at(const Ip& address) const {
  const auto first = claims_.lower_bound(first_at(address, Rank::kClusterIp));
  const bool is_one =
      first != claims_.end() && first->address == address && first->rank == Rank::kClusterIp;
  return is_one ? &*first : nullptr;
}

const Claims::Claim* Claims::holder_of(const Claim& claim) const {
  const auto first = claims_.lower_bound(first_of_group(claim));
  return first != claims_.end() && first->asks_for_the_same(claim) ? &*first : nullptr;
}

void Claims::collect_group(const Claim& claim, std::set<ObjectName>& rivals) const {
  for (auto it = claims_.lower_bound(first_of_group(claim));
       it != claims_.end() && it->asks_for_the_same(claim); ++it) {
    rivals.insert(*it->who);
  }
}

void Claims::collect_rivals(const Claim& claim, std::set<ObjectName>& rivals) const {
  collect_group(claim, rivals);
  if (claim.rank == Rank::kExternal) collect_group(of_rank(claim, Rank::kHostPort), rivals);
  if (claim.rank != Rank::kClusterIp) return;
  for (auto it = claims_.lower_bound(first_at(claim.address, Rank::kExternal));
       it != claims_.end() && it->address == claim.address; ++it) {
    rivals.insert(*it->who);
  }
}

void Claims::add(const Claimant& who, std::span<const WantedFrontend> wanted,
                 std::set<ObjectName>& rivals) {
  for (const WantedFrontend& frontend : wanted) {
    const Claim claim = make(who, frontend);
    collect_rivals(claim, rivals);
    claims_.insert(claim);
  }
}

void Claims::remove(const Claimant& who, std::span<const WantedFrontend> wanted,
                    std::set<ObjectName>& rivals) {
  for (const WantedFrontend& frontend : wanted) {
    const Claim claim = make(who, frontend);
    claims_.erase(claim);
    collect_rivals(claim, rivals);
  }
}

std::optional<std::string> Claims::why_lost(const Claimant& who,
                                            const WantedFrontend& wanted) const {
  if (!wanted.is_cluster_ip()) {
    if (const Claim* owner = cluster_ip_at(wanted.address)) {
      return "is the ClusterIP of " + owner_of(*owner);
    }
  }
  const Claim claim = make(who, wanted);
  if (claim.rank == Rank::kHostPort) {
    if (const Claim* service = holder_of(of_rank(claim, Rank::kExternal)))
      return "is already taken by " + owner_of(*service);
  }
  const Claim* holder = holder_of(claim);
  if (holder == nullptr || *holder->who == who.name) return std::nullopt;
  return "is already taken by " + owner_of(*holder) +
         (holder->created < who.created ? ", which is older" : ", whose name comes first");
}

const ObjectName* Claims::node_port_owner(Family family, Port port, Protocol protocol) const {
  const Claim* owner =
      holder_of({any_address(family), Rank::kExternal, port, protocol, Time::min(), nullptr});
  return owner == nullptr ? nullptr : owner->who;
}

}  // namespace fairlead
