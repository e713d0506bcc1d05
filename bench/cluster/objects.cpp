// Names and addresses -> JSON as Kubernetes has it.
#include "bench/cluster/objects.hpp"

#include <fmt/format.h>

namespace fairlead::bench {

namespace json = boost::json;

json::value service_object(const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", name}, {"labels", {{"app", name}}}}},
          {"spec",
           {{"type", "ClusterIP"},
            {"ports", json::array{{{"name", "http"}, {"port", 80}, {"targetPort", 8080}}}}}}};
}

json::value slice_object(const std::string& service, const std::vector<std::string>& pods,
                         const std::string& node) {
  json::array endpoints;
  for (const std::string& pod : pods)
    endpoints.push_back({{"addresses", json::array{json::value(pod)}},
                         {"nodeName", node},
                         {"conditions", {{"ready", true}, {"serving", true}}}});
  return {{"apiVersion", "discovery.k8s.io/v1"},
          {"kind", "EndpointSlice"},
          {"metadata",
           {{"name", service + "-1"}, {"labels", {{"kubernetes.io/service-name", service}}}}},
          {"addressType", "IPv4"},
          {"ports", json::array{{{"name", "http"}, {"port", 8080}, {"protocol", "TCP"}}}},
          {"endpoints", std::move(endpoints)}};
}

json::value node_object(const std::string& name, const std::string& address,
                        const std::string& pod_cidr) {
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", {{"name", name}}},
          {"spec", {{"podCIDR", pod_cidr}, {"podCIDRs", json::array{json::value(pod_cidr)}}}},
          {"status", {{"addresses", json::array{{{"type", "InternalIP"}, {"address", address}}}}}}};
}

}  // namespace fairlead::bench
