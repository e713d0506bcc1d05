// Which addresses and ports a Service asks for, and may ask for.
#pragma once

#include <vector>

#include "dataplane/plan/node_view.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead {

/// An address and port that a Service wants on this node, before other Services are looked at.
struct WantedFrontend {
  FrontendKind kind = FrontendKind::kClusterIp;
  Ip address;  // kNodePort: the unspecified address of the family
  Port port;
  Protocol protocol = Protocol::kTcp;
  std::size_t port_index = 0;  // in Service::ports

  [[nodiscard]] bool is_cluster_ip() const { return kind == FrontendKind::kClusterIp; }
};

/// Headless, of type ExternalName, or somebody else's: nothing is programmed for it.
bool is_planned(const Service& service);

/// Everything that the Service asks for and that no rule about addresses forbids; no address, port
/// and protocol twice. What is forbidden becomes a Problem. Only families in which the Service has
/// a ClusterIP count, as in kube-proxy.
std::vector<WantedFrontend> wanted_frontends(const Service& service, const NodeView& view,
                                             std::vector<Problem>& problems);

/// The field of the Service that asks for this kind: "spec.externalIPs".
std::string_view field_of(FrontendKind kind);

}  // namespace fairlead
