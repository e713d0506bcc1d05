// Each Service is asked once where it is served, each advertisement then takes the addresses that
// it means.
#include "dataplane/announce/service_routes.hpp"

#include <algorithm>
#include <compare>

#include "dataplane/announce/served_addresses.hpp"
#include "model/ip_range.hpp"

namespace fairlead::announce {
namespace {

std::uint8_t whole(Family family) { return family == Family::kIpv4 ? 32 : 128; }

/// `ip` with all bits after `length` cleared, or set.
Ip with_rest(const Ip& ip, std::uint8_t length, bool set) {
  const std::size_t bits = length + (ip.is_v4() ? 96U : 0U);
  Ip result = ip;
  for (std::size_t i = bits / 8; i < result.bytes.size(); ++i) {
    const std::size_t kept = i == bits / 8 ? bits % 8 : 0;
    const auto rest = static_cast<std::uint8_t>(0xffU >> kept);
    result.bytes[i] = static_cast<std::uint8_t>(
        set ? result.bytes[i] | rest : result.bytes[i] & ~static_cast<unsigned>(rest));
  }
  return result;
}

const IpRange* range_with(const std::vector<IpRange>& ranges, const Ip& ip) {
  const auto found =
      std::ranges::find_if(ranges, [&](const IpRange& range) { return range.contains(ip); });
  return found == ranges.end() ? nullptr : &*found;
}

/// Drained from outside: the label says so, or its end has been announced, as for kube-proxy's
/// health check (KEP-3836), by which load balancers of clouds decide.
struct Exclusion {
  explicit Exclusion(const Node& node) {
    constexpr std::string_view kToBeDeleted = "ToBeDeletedByClusterAutoscaler";
    all = node.labels.contains(kExcludedLabel);
    cluster_policy = node.being_deleted ||
                     std::ranges::find(node.taint_keys, kToBeDeleted) != node.taint_keys.end();
  }
  [[nodiscard]] bool excludes(const ServedAddress& served) const {
    return all || (cluster_policy && !served.is_local);
  }
  bool all = false, cluster_policy = false;
};

class Originator {
 public:
  Originator(const Options& options, const Self& self, std::vector<bgp::control::OwnRoute>& routes)
      : exclusion_(self.node), routes_(routes) {
    for (const Cidr& cidr : options.service_cidrs) service_ranges_.push_back(range_of(cidr));
  }

  void add(const Advertised& by, const ServedAddress& served) {
    if (const auto prefix = prefix_of(by, served)) routes_.push_back({*prefix, by.tag});
  }

 private:
  /// Nothing: the advertisement does not mean the address.
  [[nodiscard]] std::optional<Cidr> prefix_of(const Advertised& by,
                                              const ServedAddress& served) const {
    const BgpAdvertisement& what = *by.advertisement;
    if (served.is_cluster_ip && what.cluster_ips)
      return aggregate(what, served, range_with(service_ranges_, served.ip));
    const IpRange* range = pool_range(by, served.ip);
    if (served.is_load_balancer && what.load_balancer_ips && range != nullptr &&
        !exclusion_.excludes(served))
      return aggregate(what, served, range);
    if (served.is_external && what.external_ips && (what.pools.empty() || range != nullptr))
      return aggregate(what, served, range);
    return std::nullopt;
  }

  static const IpRange* pool_range(const Advertised& by, const Ip& ip) {
    for (const AddressPool* pool : by.pools)
      if (const IpRange* range = range_with(pool->ranges, ip)) return range;
    return nullptr;
  }

  /// With policy Local the nodes without endpoints would draw by an aggregate what they then drop.
  /// Outside of a known range nobody knows whose the rest of an aggregate is.
  static Cidr aggregate(const BgpAdvertisement& what, const ServedAddress& served,
                        const IpRange* range) {
    const Family family = served.ip.family();
    if (served.is_local || range == nullptr) return {served.ip, whole(family)};
    return aggregate_within(
        *range, served.ip,
        family == Family::kIpv4 ? what.aggregation_length_v4 : what.aggregation_length_v6);
  }

  Exclusion exclusion_;
  std::vector<IpRange> service_ranges_;
  std::vector<bgp::control::OwnRoute>& routes_;
};

/// Most Services have a ClusterIP alone, which few clusters announce.
bool can_matter(const std::vector<Advertised>& advertised, const Service& service) {
  const bool outside = !service.external_ips.empty() || !service.load_balancer_ips.empty();
  return std::ranges::any_of(advertised, [&](const Advertised& by) {
    return by.advertisement->cluster_ips ||
           (outside && (by.advertisement->external_ips || by.advertisement->load_balancer_ips));
  });
}

}  // namespace

Cidr aggregate_within(const IpRange& range, const Ip& ip, std::uint8_t length) {
  const std::uint8_t longest = whole(ip.family());
  for (std::uint8_t bits = std::min(length, longest); bits < longest; ++bits) {
    const Ip first = with_rest(ip, bits, false);
    if (first >= range.first && with_rest(ip, bits, true) <= range.last) return {first, bits};
  }
  return {ip, longest};
}

void add_service_routes(const Options& options, const Self& self, const Cluster& cluster,
                        const std::vector<Advertised>& advertised,
                        std::vector<bgp::control::OwnRoute>& routes) {
  Originator originator(options, self, routes);
  std::vector<ServedAddress> served;
  auto service = cluster.snapshot.services.begin();
  const auto end = cluster.snapshot.services.end();
  for (const auto& [name, plans] : cluster.plan.services) {  // both sorted by name
    auto order = std::strong_ordering::less;
    while (service != end && (order = service->first <=> name) < 0) ++service;
    if (service == end) return;
    if (order != 0 || !can_matter(advertised, service->second)) continue;
    collect_served(service->second, plans, served);
    if (served.empty()) continue;
    for (const Advertised& by : advertised) {
      if (!by.advertisement->services.matches(service->second.labels.get())) continue;
      for (const ServedAddress& address : served) originator.add(by, address);
    }
  }
}

}  // namespace fairlead::announce
