// Namespaces first, since the Service lives in one. What exists is left as it is, but for the
// slice: it says where the server is now.
#include "controlplane/controllers/bootstrap.hpp"

namespace fairlead::controllers {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr const char* kNamespaces[] = {"default", "kube-node-lease", "kube-public", "kube-system"};
constexpr const char* kServiceName = "kubernetes";

asio::awaitable<void> create(registry::Registry& registry, log::Logger log, registry::Target target,
                             json::object object) {
  const std::string key = registry::key_of(*target.type, target.ns, target.name);
  if (registry.store().get(key)) co_return;
  const auto made = co_await registry.create(std::move(target), std::move(object));
  if (!made) log.error("not created", {{"object", key}, {"error", made.error().message}});
}

json::object kubernetes_service(const ApiEndpoint& endpoint) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata",
           {{"name", kServiceName},
            {"namespace", "default"},
            {"labels", {{"component", "apiserver"}, {"provider", "kubernetes"}}}}},
          {"spec",
           {{"clusterIP", to_string(endpoint.service_ip)},
            {"ports", json::array{{{"name", "https"},
                                   {"protocol", "TCP"},
                                   {"port", 443},
                                   {"targetPort", std::int64_t{endpoint.port.host}}}}}}}};
}

json::object kubernetes_slice(const ApiEndpoint& endpoint) {
  return {{"apiVersion", "discovery.k8s.io/v1"},
          {"kind", "EndpointSlice"},
          {"metadata",
           {{"name", kServiceName},
            {"namespace", "default"},
            {"labels", {{"kubernetes.io/service-name", kServiceName}}}}},
          {"addressType", endpoint.address.is_v4() ? "IPv4" : "IPv6"},
          {"endpoints", json::array{{{"addresses", json::array{to_string(endpoint.address)}},
                                     {"conditions", {{"ready", true}}}}}},
          {"ports", json::array{{{"name", "https"},
                                 {"protocol", "TCP"},
                                 {"port", std::int64_t{endpoint.port.host}}}}}};
}

}  // namespace

asio::awaitable<void> make_cluster(registry::Registry& registry, log::Logger log,
                                   ApiEndpoint endpoint) {
  const api::ResourceType& namespaces = *api::find_kind("", "v1", "Namespace");
  for (const char* name : kNamespaces) {
    json::object object{
        {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}};
    registry::Target target(&namespaces, "", name);
    co_await create(registry, log, std::move(target), std::move(object));
  }
  registry::Target service(api::find_kind("", "v1", "Service"), "default", kServiceName);
  co_await create(registry, log, std::move(service), kubernetes_service(endpoint));
  if (endpoint.address.is_loopback()) co_return;  // which no slice may name
  const registry::Target slice(api::find_kind("discovery.k8s.io", "v1", "EndpointSlice"), "default",
                               kServiceName);
  const std::string key = registry::key_of(*slice.type, slice.ns, slice.name);
  if (!registry.store().get(key)) {
    co_await create(registry, log, slice, kubernetes_slice(endpoint));
    co_return;
  }
  const auto updated = co_await registry.update(slice, kubernetes_slice(endpoint));
  if (!updated) log.error("not updated", {{"object", key}, {"error", updated.error().message}});
}

}  // namespace fairlead::controllers
