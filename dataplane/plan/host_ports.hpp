// Ports of the node that lead to one of its pods. They come after Services: what a Service has at
// an address of the node, no pod gets.
#pragma once

#include <map>
#include <vector>

#include "dataplane/plan/claims.hpp"
#include "dataplane/plan/frontends.hpp"
#include "dataplane/plan/node_view.hpp"
#include "dataplane/plan/pod_host_ports.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead {

/// Under this name a plan has a pod's host ports: "shop/pod@web-0". No Service can have it.
ObjectName host_ports_name(const ObjectName& pod);
bool is_host_ports_name(const ObjectName& name);
/// By host_ports_name().
using HostPortPods = std::map<ObjectName, PodHostPorts>;
/// Of several with one name the first counts.
HostPortPods by_name(std::vector<PodHostPorts> pods);

/// Where host ports are open that name no address: the node's own, 127.0.0.1 and ::1 among them;
/// not link-local ones. Sorted.
std::vector<Ip> host_port_addresses(const std::map<std::string, Node>& nodes,
                                    const PlanOptions& options);

/// What the pod asks for at `local`; and, with the unspecified address, each port by itself: that
/// is a claim against NodePorts and no frontend.
std::vector<WantedFrontend> wanted_host_ports(const PodHostPorts& pod, const std::vector<Ip>& local,
                                              std::vector<Problem>& problems);

/// Sorted by name; the names of ports are "8080" or, with a hostIP, "127.0.0.1:8080". `name` is
/// that of `claims`, which must hold what the pod wants.
ServicePlans plan_host_ports(const ObjectName& name, const PodHostPorts& pod,
                             const std::vector<Ip>& local, const NodeView& view,
                             const Claims& claims, std::vector<Problem>& problems);

}  // namespace fairlead
