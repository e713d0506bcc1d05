// One BGPPeer after the other, by name, so that of two that contradict each other the first has its
// way. What contradicts itself loses the field, what could be no session is left out.
#include "dataplane/announce/peers.hpp"

#include <algorithm>

#include "dataplane/announce/passwords.hpp"

namespace fairlead::announce {
namespace {

using bgp::control::PeerSettings;

class Builder {
 public:
  Builder(const Self& self, const BgpPeer& peer, std::vector<Problem>& problems)
      : self_(self), peer_(peer), problems_(problems) {
    as_ = bgp::AsNumber{peer.local_asn.value_or(self.as.number)};
    is_internal_ = as_.number == peer.asn;
  }

  /// Nothing: there is a Problem.
  std::optional<PeerSettings> build(const Objects& objects, const std::vector<Cidr>& others) {
    PeerSettings settings;
    settings.name = peer_.name;
    settings.session = session();
    if (!session_is_possible(settings.session)) return std::nullopt;
    settings.transport = transport();
    if (peer_.password) {
      auto password = password_at(objects, *peer_.password);
      if (!password) return refuse("spec.passwordSecretRef", password.error().doing);
      settings.transport.password = *std::move(password);
    }
    settings.rules = rules(settings.session, others);
    settings.next_hop = self_.address;
    settings.next_hop[peer_.address.family()].reset();
    return settings;
  }

 private:
  void complain(std::string field, std::string message) {
    problems_.push_back({"BGPPeer " + peer_.name, std::move(field), std::move(message)});
  }
  std::nullopt_t refuse(std::string field, const std::string& why) {
    complain(std::move(field), why + "; there is no session with it");
    return std::nullopt;
  }

  bool session_is_possible(const bgp::PeerConfig& session) {
    if (session.peer_as == bgp::kAsTrans) return refuse_as("spec.asn");
    if (session.own_as == bgp::kAsTrans) return refuse_as("spec.localASN");
    if (!session.families.ipv4 && !session.families.ipv6) {
      refuse("spec.families", "this node has no address of them");
      return false;
    }
    if (const auto good = bgp::check(session); !good) {
      refuse("spec", good.error().doing);
      return false;
    }
    return true;
  }
  bool refuse_as(std::string field) {
    refuse(std::move(field), "23456 is reserved (RFC 6793)");
    return false;
  }

  /// IPv4 needs no address of the node's over a session that is over IPv6 (RFC 8950).
  [[nodiscard]] bgp::FamilySet families() const {
    return {.ipv4 = peer_.ipv4 && (self_.address.ipv4 || !peer_.address.is_v4()),
            .ipv6 = peer_.ipv6 && self_.address.ipv6};
  }

  std::optional<bgp::Role> role() {
    if (!peer_.role) return std::nullopt;
    if (is_internal_) {
      complain("spec.role", "is for peers of another ASN; it is left out");
      return std::nullopt;
    }
    return static_cast<bgp::Role>(*peer_.role);
  }

  bgp::PeerConfig session() {
    bgp::PeerConfig session{.own_as = as_,
                            .router_id = self_.router_id,
                            .peer_as = {peer_.asn},
                            .passive = peer_.passive,
                            .families = families(),
                            .hold_time = peer_.hold_time,
                            .keepalive = peer_.keepalive,
                            .connect_retry = peer_.connect_retry,
                            .role = role(),
                            .maximum_prefixes = peer_.max_prefixes};
    session.ipv4_over_ipv6 = session.families.ipv4 && !peer_.address.is_v4();
    if (peer_.graceful_restart.count() > 0)
      session.graceful_restart = bgp::RestartConfig{.time = peer_.graceful_restart};
    return session;
  }

  /// An internal peer may be any number of hops away, unless it is held to one.
  bgp::control::Transport transport() {
    constexpr std::uint8_t kAnywhere = 255;
    bgp::control::Transport transport{.address = peer_.address, .port = peer_.port};
    transport.hops = is_internal_ ? kAnywhere : peer_.ebgp_multihop;
    transport.ttl_security = peer_.ttl_security;
    if (peer_.ttl_security) transport.hops = 1;
    transport.bfd = peer_.bfd;
    if (peer_.bfd && !is_internal_ && peer_.ebgp_multihop > 1) {
      complain("spec.bfd", "is for peers on the same link, not with ebgpMultihop; it is left out");
      transport.bfd.reset();
    }
    return transport;
  }

  bgp::PeerRules rules(const bgp::PeerConfig& session, const std::vector<Cidr>& others) {
    bgp::PeerRules rules{.address = peer_.address, .as = session.peer_as, .local_as = as_};
    rules.role = session.role;
    for (const Cidr& range : others)
      if (session.families[range.family()])
        for (const PrefixRule& rule : bgp::imports_within(std::span(&range, 1)))
          rules.imports.push_back(rule);
    rules.imports.insert(rules.imports.end(), peer_.imports.begin(), peer_.imports.end());
    std::ranges::sort(rules.imports);
    // A router between nodes of one AS repeats to each what the others said, with that AS in it.
    rules.own_as_allowed = is_internal_ ? 0 : 1;
    rules.first_as_checked = session.role != bgp::Role::kRouteServerClient;
    rules.max_prefixes = peer_.max_prefixes;
    rules.next_hop_self = peer_.next_hop_self;
    rules.client = peer_.route_reflector_client && is_internal_;
    if (peer_.route_reflector_client && !is_internal_)
      complain("spec.routeReflectorClient", "is for peers of the same ASN; it is left out");
    return rules;
  }

  const Self& self_;
  const BgpPeer& peer_;
  std::vector<Problem>& problems_;
  bgp::AsNumber as_{};
  bool is_internal_ = false;
};

}  // namespace

std::vector<PeerSettings> configured_peers(const Self& self, const PodRanges& ranges,
                                           const Objects& objects, PeerAddresses& addresses,
                                           std::vector<Problem>& problems) {
  const std::vector<Cidr> others = ranges.all_others();
  std::vector<PeerSettings> peers;
  for (const auto& [name, peer] : objects.peers) {
    if (!peer.nodes.matches(self.node.labels)) continue;
    if (const auto* owner = addresses.take(peer.address, "BGPPeer " + name)) {
      problems.push_back({"BGPPeer " + name, "spec.address",
                          to_string(peer.address) + " is " + *owner +
                              "'s already; there is no other session with it"});
      continue;
    }
    if (auto settings = Builder(self, peer, problems).build(objects, others))
      peers.push_back(*std::move(settings));
  }
  return peers;
}

}  // namespace fairlead::announce
