// One PodHostPorts an attachment.
#include "agent/pod_ports.hpp"

namespace fairlead {

std::vector<PodHostPorts> host_ports_of(std::span<const podnet::Attachment> attachments) {
  std::vector<PodHostPorts> pods;
  for (const podnet::Attachment& attachment : attachments) {
    if (attachment.port_mappings.empty()) continue;
    const bool has_name = !attachment.pod.name.empty();
    PodHostPorts pod{.pod = has_name ? ObjectName{attachment.pod.pod_namespace, attachment.pod.name}
                                     : ObjectName{attachment.key.network, attachment.key.container},
                     .created = Time(std::chrono::seconds(attachment.created)),
                     .addresses = attachment.ips,
                     .ports = {}};
    if (pod.pod.ns.empty()) pod.pod.ns = attachment.key.network;
    for (const podnet::PortMapping& mapping : attachment.port_mappings)
      pod.ports.push_back({mapping.host_port, mapping.pod_port, mapping.protocol, mapping.host_ip});
    pods.push_back(std::move(pod));
  }
  return pods;
}

}  // namespace fairlead
