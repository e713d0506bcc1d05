// A cluster of dual-stack nodes n1 (this one), n2 and n3, whose Services are planned as an agent
// would; and words for what comes of it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/announce/announce.hpp"
#include "dataplane/plan/plan.hpp"

namespace fairlead::announce {

using Words = std::vector<std::string>;

inline Ip ip(std::string_view text) { return parse_ip(text).value(); }
inline Cidr cidr(std::string_view text) { return parse_cidr(text).value(); }
inline IpRange range(std::string_view text) { return parse_ip_range(text).value(); }

struct World {
  /// Node nN has 192.168.0.N, fd00:192::N and the pod ranges 10.1.N.0/24 and fd00:1:N::/64.
  World();

  Snapshot cluster{};
  Options options{};
  Objects objects{};

  Node& node(const std::string& name) { return cluster.nodes.at(name); }
  Node& add_node(int number);
  /// At 10.0.0.N, of AS 65000 + N.
  BgpPeer& add_peer(const std::string& name, int number);
  BgpAdvertisement& add_advertisement(const std::string& name);
  AddressPool& add_pool(const std::string& name, std::string_view addresses);
  /// In namespace "shop", with ClusterIP 10.96.0.N. `endpoints`: "n1 n2:notready n3:terminating".
  Service& add_service(const std::string& name, int number, std::string_view endpoints);
  void set_endpoints(const std::string& service, std::string_view endpoints);

  [[nodiscard]] Wanted wanted() const;
  /// Of the peer of this name; a failure if there is none.
  [[nodiscard]] bgp::control::PeerSettings peer(std::string_view name) const;

  [[nodiscard]] Words peers() const;     // names
  [[nodiscard]] Words problems() const;  // "object: field: message"
  /// Prefixes that the peer is told, sorted.
  [[nodiscard]] Words told(std::string_view peer) const;
  /// Prefixes that are taken of the peer: "10.1.2.0/24", with " 24-32" where more than itself is.
  [[nodiscard]] Words taken(std::string_view peer) const;
};

}  // namespace fairlead::announce
