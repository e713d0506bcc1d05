// Cluster + this node -> what its BGP speaker shall do: with whom it speaks, what it says to whom,
// what it believes. Pure; docs/bgp.md has the rules in words.
//
//     Nodes ──────────▶ pod ranges, mesh ─────────┐
//     BGPPeers ───────▶ peers ────────────────────┼──▶ Settings ──▶ speaker
//     BGPAdvertisements, AddressPools, plans ─────┘
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/bgp/control/messages.hpp"
#include "model/address_pool.hpp"
#include "model/bgp_objects.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead::announce {

/// The same on every node, but for `node`, `router_id`, `pod_cidrs` and `hash_seed`.
struct Options {
  std::string node;  // this node's name
  bgp::AsNumber as{64512};
  /// Nothing: the Node's first IPv4 address, or made of its name.
  std::optional<bgp::RouterId> router_id{};
  /// Nodes speak with one another: each with each, or with the reflectors where there are any.
  bool full_mesh = true;
  Port mesh_port{179};  // where the other nodes listen
  std::optional<SecretKey> mesh_password{};
  std::optional<Bfd> mesh_bfd{};
  std::vector<Cidr> pod_cidrs{};      // of this node; empty: the Node's
  std::vector<Cidr> cluster_cidrs{};  // in which pod ranges lie; a family without any: anywhere
  std::vector<Cidr> service_cidrs{};  // in which ClusterIPs lie, if known
  std::size_t max_paths = 16;
  std::uint64_t hash_seed = 0;
};

/// What people configured, by name, and the values of the keys of Secrets that it names.
struct Objects {
  std::map<std::string, BgpPeer> peers{};
  std::map<std::string, BgpAdvertisement> advertisements{};
  std::map<std::string, AddressPool> pools{};
  std::map<SecretKey, std::string> passwords{};  // those that exist
};

/// A Planner's; nothing is copied.
struct Cluster {
  const Snapshot& snapshot;
  const Plan& plan;
};

struct Wanted {
  /// Peers sorted by name, routes sorted and each once: the same input gives the same Settings.
  /// `restart_wait` and what a session says of our restart are left to the caller.
  bgp::control::Settings settings{};
  /// Announced prefixes that hold more than one address, pod ranges apart. What arrives for an
  /// address in them that nobody has must end here, or it goes in circles.
  std::vector<Cidr> aggregates{};
  std::vector<Problem> problems{};  // sorted
};

/// A bad or contradictory object costs itself, with a Problem. Without this node's Node there is
/// neither a peer nor a route.
Wanted wanted(const Options& options, const Cluster& cluster, const Objects& objects);

/// Of which this node needs passwords; none, as long as its Node is not known.
std::set<ObjectName> secrets(const Options& options, const Snapshot& cluster,
                             const Objects& objects);

/// Label of a Node that reflects routes (RFC 4456): its cluster id, written as an IPv4 address.
inline constexpr std::string_view kReflectorLabel = "fairlead.io/route-reflector-cluster-id";
/// Label of a Node that load balancers' traffic shall not come to, whatever its value.
inline constexpr std::string_view kExcludedLabel =
    "node.kubernetes.io/exclude-from-external-load-balancers";

}  // namespace fairlead::announce
