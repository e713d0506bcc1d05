// The objects by which people configure BGP, as values: BGPPeer, BGPAdvertisement (and
// model/address_pool.hpp) of group fairlead.io/v1alpha1. Decoded by objects/; what they mean for a
// session is decided elsewhere.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/address_pool.hpp"
#include "model/ip.hpp"
#include "model/labels.hpp"
#include "model/object.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Names a key of a v1 Secret; never its value.
struct SecretKey {
  ObjectName secret;
  std::string key;
  auto operator<=>(const SecretKey&) const = default;
};

/// RFC 9234 4.1: what this side is to the peer. The numbers are the capability's.
enum class BgpRole : std::uint8_t {
  kProvider = 0,
  kRouteServer = 1,
  kRouteServerClient = 2,
  kCustomer = 3,
  kPeer = 4,
};
/// "Provider", "RouteServer", "RouteServerClient", "Customer", "Peer".
std::string_view to_string(BgpRole role);

struct Bfd {
  std::chrono::milliseconds interval{300};
  std::uint8_t multiplier = 3;
  bool operator==(const Bfd&) const = default;
};

/// Prefixes within `prefix` that are min_length to max_length bits long.
struct PrefixRule {
  Cidr prefix;
  std::uint8_t min_length = 0, max_length = 0;
  auto operator<=>(const PrefixRule&) const = default;

  [[nodiscard]] bool allows(const Cidr& route) const {
    return route.length >= min_length && route.length <= max_length &&
           route.length >= prefix.length && prefix.contains(route.base);
  }
};

struct BgpPeer {
  static constexpr std::uint32_t kDefaultMaxPrefixes = 10'000;

  std::string name;
  Ip address;
  Port port{179};
  std::uint32_t asn = 0;                          // never 0
  std::optional<std::uint32_t> local_asn;         // absent: the node's
  LabelSelector nodes;                            // which nodes hold a session with it
  std::optional<SecretKey> password;              // of RFC 2385's signatures
  std::chrono::seconds hold_time{90};             // 0: no keepalives, and no expiry
  std::optional<std::chrono::seconds> keepalive;  // absent: a third of the hold time agreed on
  std::chrono::seconds connect_retry{10};
  std::uint8_t ebgp_multihop = 1;  // TTL of what we send to an external peer
  bool ttl_security = false;       // RFC 5082: sent with, and accepted only with, a TTL of 255
  std::optional<Bfd> bfd;
  std::chrono::seconds graceful_restart{120};  // 0: off
  bool ipv4 = true, ipv6 = true;               // address families that are offered
  bool passive = false;                        // waits for the peer to connect
  bool route_reflector_client = false;
  bool next_hop_self = false;
  std::uint32_t max_prefixes = kDefaultMaxPrefixes;  // of a family; with more the session ends
  std::vector<PrefixRule> imports;                   // besides the cluster's own pod ranges
  std::optional<BgpRole> role;
  bool operator==(const BgpPeer&) const = default;
};

/// RFC 8092.
struct LargeCommunity {
  std::uint32_t global = 0, local1 = 0, local2 = 0;
  auto operator<=>(const LargeCommunity&) const = default;
};

/// What is added to a route, sorted and each once.
struct Communities {
  std::vector<std::uint32_t> standard;  // RFC 1997
  std::vector<LargeCommunity> large;
  bool operator==(const Communities&) const = default;

  [[nodiscard]] bool empty() const { return standard.empty() && large.empty(); }
  /// "65000:100", "65000:1:2", or one of the well-known names ("no-export").
  Result<> add(std::string_view text);
};

struct BgpAdvertisement {
  std::string name;
  bool pod_cidrs = false, cluster_ips = false, external_ips = false, load_balancer_ips = false;
  std::vector<std::string> pools;  // AddressPools whose addresses are meant; empty: all
  LabelSelector services;          // whose addresses are meant
  std::vector<std::string> peers;  // BGPPeers that hear of it; empty: all
  LabelSelector nodes;             // that say it
  Communities communities;
  std::optional<std::uint32_t> local_preference;  // heard by internal peers only
  std::optional<std::uint32_t> med;
  std::uint8_t as_path_prepend = 0;  // how often more our own ASN stands in the path; 0 to 10
  std::uint8_t aggregation_length_v4 = 32, aggregation_length_v6 = 128;
  bool operator==(const BgpAdvertisement&) const = default;
};

}  // namespace fairlead
