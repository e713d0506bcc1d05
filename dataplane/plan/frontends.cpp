// Service -> the frontends that it may ask for. Each rule about addresses is here; which of two
// Services gets what both ask for is decided in claims.cpp.
#include "dataplane/plan/frontends.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>

namespace fairlead {
namespace {

std::string_view why_unusable(const Ip& ip) {
  if (ip.is_unspecified()) return "is the unspecified address";
  if (ip.is_loopback()) return "is a loopback address";
  if (ip.is_link_local()) return "is a link-local address";
  if (ip.is_multicast()) return "is a multicast address";
  return {};
}

bool is_node_address(const NodeView& view, const Ip& ip) {
  return std::binary_search(view.node_addresses.begin(), view.node_addresses.end(), ip);
}

/// Why no Service may have the address; "" if it may. CVE-2020-8554: an external address diverts
/// what pods send to it.
std::string_view why_refused(FrontendKind kind, const Ip& ip, const NodeView& view) {
  if (const auto why = why_unusable(ip); !why.empty()) return why;
  if (is_node_address(view, ip)) return "is an address of a node";
  if (kind == FrontendKind::kClusterIp) return {};
  if (is_in_any(view.pod_cidrs, ip)) return "lies in a range of pods";
  if (is_in_any(view.settings.service_cidrs, ip)) return "lies in a range of ClusterIPs";
  if (kind == FrontendKind::kExternalIp && view.allowed_external_ips &&
      !is_in_any(*view.allowed_external_ips, ip)) {
    return "is not among the external IPs that the configuration allows";
  }
  return {};
}

// Bounds what one Service can cost. A real one has a handful.
constexpr std::size_t kMostFrontends = 10'000;

/// Collects what one Service wants, each address, port and protocol once.
class Collector {
 public:
  Collector(const Service& service, const NodeView& view, std::vector<Problem>& problems)
      : service_(service), view_(view), problems_(problems) {}

  /// Every port of the Service at `ip`.
  void add_address(FrontendKind kind, const Ip& ip) {
    if (!has_family(ip.family())) return;
    if (const auto why = why_refused(kind, ip, view_); !why.empty()) {
      return complain(field_of(kind), to_string(ip) + ' ' + std::string(why) + "; it is left out");
    }
    for (std::size_t i = 0; i < service_.ports.size(); ++i)
      add(kind, ip, service_.ports[i].port, i);
  }

  void add_node_ports(Family family) {
    if (!has_family(family)) return;
    for (std::size_t i = 0; i < service_.ports.size(); ++i) {
      if (const auto port = service_.ports[i].node_port) {
        add(FrontendKind::kNodePort, any_address(family), *port, i);
      }
    }
  }

  /// Of those with the same address, port and protocol, the one that was added first.
  std::vector<WantedFrontend> take() {
    const auto key = [](const WantedFrontend& w) {
      return std::tuple(w.address, w.port, w.protocol);
    };
    std::stable_sort(wanted_.begin(), wanted_.end(),
                     [&](const auto& a, const auto& b) { return key(a) < key(b); });
    const auto is_twin = [&](const auto& a, const auto& b) {
      if (key(a) != key(b)) return false;
      if (b.kind == FrontendKind::kNodePort) {
        complain("spec.ports[" + std::to_string(b.port_index) + "].nodePort",
                 std::to_string(b.port.host) +
                     " is already another port's of this Service; it is left out");
      }
      return true;
    };
    wanted_.erase(std::unique(wanted_.begin(), wanted_.end(), is_twin), wanted_.end());
    return std::move(wanted_);
  }

 private:
  [[nodiscard]] bool has_family(Family family) const {
    return std::any_of(service_.cluster_ips.begin(), service_.cluster_ips.end(),
                       [&](const Ip& ip) { return ip.family() == family; });
  }

  void add(FrontendKind kind, const Ip& ip, Port port, std::size_t index) {
    if (wanted_.size() < kMostFrontends) {
      wanted_.push_back({kind, ip, port, service_.ports[index].protocol, index});
    } else if (!is_full_) {
      is_full_ = true;
      complain("spec.ports", "more than 10000 pairs of address and port; the rest is left out");
    }
  }

  void complain(std::string_view field, std::string message) {
    problems_.push_back(
        {"Service " + to_string(service_.name), std::string(field), std::move(message)});
  }

  const Service& service_;
  const NodeView& view_;
  std::vector<Problem>& problems_;
  std::vector<WantedFrontend> wanted_;
  bool is_full_ = false;
};

std::optional<Ip> first_of(const std::vector<Ip>& ips, Family family) {
  const auto found =
      std::find_if(ips.begin(), ips.end(), [&](const Ip& ip) { return ip.family() == family; });
  return found == ips.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

bool is_planned(const Service& service) {
  return !service.handled_elsewhere && service.type != ServiceType::kExternalName &&
         !service.cluster_ips.empty();
}

std::vector<WantedFrontend> wanted_frontends(const Service& service, const NodeView& view,
                                             std::vector<Problem>& problems) {
  if (!is_planned(service)) return {};
  Collector collector(service, view, problems);
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (const auto ip = first_of(service.cluster_ips, family)) {
      collector.add_address(FrontendKind::kClusterIp, *ip);
    }
    collector.add_node_ports(family);
  }
  // An address that is both: the load balancer's source ranges must hold for it, so that one goes
  // first.
  for (const Ip& ip : service.load_balancer_ips)
    collector.add_address(FrontendKind::kLoadBalancer, ip);
  for (const Ip& ip : service.external_ips) collector.add_address(FrontendKind::kExternalIp, ip);
  return collector.take();
}

std::string_view field_of(FrontendKind kind) {
  switch (kind) {
    case FrontendKind::kClusterIp:
      return "spec.clusterIPs";
    case FrontendKind::kNodePort:
      return "spec.ports[].nodePort";
    case FrontendKind::kLoadBalancer:
      return "status.loadBalancer.ingress[].ip";
    case FrontendKind::kExternalIp:
      return "spec.externalIPs";
    case FrontendKind::kHostPort:
      return "spec.containers[].ports[].hostPort";
  }
  return {};
}

}  // namespace fairlead
