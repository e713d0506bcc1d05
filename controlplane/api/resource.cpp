// The table of served kinds, and the names that messages and URLs make of them. v1 and
// events.k8s.io/v1 Events are one kind of stored object in two dresses: the core form is kept, the
// other is derived from it field by field.
#include "controlplane/api/resource.hpp"

#include <algorithm>
#include <array>

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kAll[] = {"all"};
constexpr std::string_view kConfigMapShort[] = {"cm"};
constexpr std::string_view kEndpointsShort[] = {"ep"};
constexpr std::string_view kEventShort[] = {"ev"};
constexpr std::string_view kNamespaceShort[] = {"ns"};
constexpr std::string_view kNodeShort[] = {"no"};
constexpr std::string_view kPodShort[] = {"po"};
constexpr std::string_view kServiceShort[] = {"svc"};
constexpr std::string_view kFinalize[] = {"finalize"};

constexpr ResourceType kResources[] = {
    {.group = "",
     .version = "v1",
     .kind = "ConfigMap",
     .list_kind = "ConfigMapList",
     .plural = "configmaps",
     .singular = "configmap",
     .short_names = kConfigMapShort,
     .stored_as = "configmaps",
     .schema_name = "io.k8s.api.core.v1.ConfigMap"},
    {.group = "",
     .version = "v1",
     .kind = "Endpoints",
     .list_kind = "EndpointsList",
     .plural = "endpoints",
     .singular = "endpoints",
     .short_names = kEndpointsShort,
     .create_on_update = true,
     .stored_as = "endpoints",
     .schema_name = "io.k8s.api.core.v1.Endpoints"},
    {.group = "",
     .version = "v1",
     .kind = "Event",
     .list_kind = "EventList",
     .plural = "events",
     .singular = "event",
     .short_names = kEventShort,
     .create_on_update = true,
     .stored_as = "events",
     .schema_name = "io.k8s.api.core.v1.Event"},
    {.group = "",
     .version = "v1",
     .kind = "Namespace",
     .list_kind = "NamespaceList",
     .plural = "namespaces",
     .singular = "namespace",
     .short_names = kNamespaceShort,
     .namespaced = false,
     .has_status = true,
     .subresources = kFinalize,
     .stored_as = "namespaces",
     .schema_name = "io.k8s.api.core.v1.Namespace"},
    {.group = "",
     .version = "v1",
     .kind = "Node",
     .list_kind = "NodeList",
     .plural = "nodes",
     .singular = "node",
     .short_names = kNodeShort,
     .namespaced = false,
     .has_status = true,
     .stored_as = "nodes",
     .schema_name = "io.k8s.api.core.v1.Node"},
    {.group = "",
     .version = "v1",
     .kind = "Pod",
     .list_kind = "PodList",
     .plural = "pods",
     .singular = "pod",
     .short_names = kPodShort,
     .categories = kAll,
     .has_status = true,
     .stored_as = "pods",
     .schema_name = "io.k8s.api.core.v1.Pod"},
    {.group = "",
     .version = "v1",
     .kind = "Secret",
     .list_kind = "SecretList",
     .plural = "secrets",
     .singular = "secret",
     .stored_as = "secrets",
     .schema_name = "io.k8s.api.core.v1.Secret"},
    {.group = "",
     .version = "v1",
     .kind = "Service",
     .list_kind = "ServiceList",
     .plural = "services",
     .singular = "service",
     .short_names = kServiceShort,
     .categories = kAll,
     .has_status = true,
     .unconditional_update = false,
     .stored_as = "services",
     .schema_name = "io.k8s.api.core.v1.Service"},
    {.group = "coordination.k8s.io",
     .version = "v1",
     .kind = "Lease",
     .list_kind = "LeaseList",
     .plural = "leases",
     .singular = "lease",
     .unconditional_update = false,
     .create_on_update = true,
     .stored_as = "leases",
     .schema_name = "io.k8s.api.coordination.v1.Lease"},
    {.group = "discovery.k8s.io",
     .version = "v1",
     .kind = "EndpointSlice",
     .list_kind = "EndpointSliceList",
     .plural = "endpointslices",
     .singular = "endpointslice",
     .stored_as = "endpointslices",
     .schema_name = "io.k8s.api.discovery.v1.EndpointSlice"},
    {.group = "events.k8s.io",
     .version = "v1",
     .kind = "Event",
     .list_kind = "EventList",
     .plural = "events",
     .singular = "event",
     .short_names = kEventShort,
     .create_on_update = true,
     .stored_as = "events",
     .schema_name = "io.k8s.api.events.v1.Event"},
    {.group = "fairlead.io",
     .version = "v1alpha1",
     .kind = "AddressPool",
     .list_kind = "AddressPoolList",
     .plural = "addresspools",
     .singular = "addresspool",
     .namespaced = false,
     .has_status = true,
     .unconditional_update = false,
     .stored_as = "addresspools",
     .schema_name = "io.fairlead.v1alpha1.AddressPool"},
    {.group = "fairlead.io",
     .version = "v1alpha1",
     .kind = "BGPAdvertisement",
     .list_kind = "BGPAdvertisementList",
     .plural = "bgpadvertisements",
     .singular = "bgpadvertisement",
     .namespaced = false,
     .unconditional_update = false,
     .stored_as = "bgpadvertisements",
     .schema_name = "io.fairlead.v1alpha1.BGPAdvertisement"},
    {.group = "fairlead.io",
     .version = "v1alpha1",
     .kind = "BGPPeer",
     .list_kind = "BGPPeerList",
     .plural = "bgppeers",
     .singular = "bgppeer",
     .namespaced = false,
     .unconditional_update = false,
     .stored_as = "bgppeers",
     .schema_name = "io.fairlead.v1alpha1.BGPPeer"},
};

/// core name, events.k8s.io name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kEventFields{{
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"},
}};

void rename(json::object& object, std::string_view from, std::string_view to) {
  auto found = object.find(from);
  if (found == object.end() || from == to) return;
  json::value value = std::move(found->value());
  object.erase(found);
  object[to] = std::move(value);
}

bool is_new_event(const ResourceType& type) { return type.group == "events.k8s.io"; }

}  // namespace

std::span<const ResourceType> resources() { return kResources; }

const ResourceType* find_resource(std::string_view group, std::string_view version,
                                  std::string_view plural) {
  for (const ResourceType& type : kResources) {
    if (type.group == group && type.version == version && type.plural == plural) return &type;
  }
  return nullptr;
}

const ResourceType* find_kind(std::string_view group, std::string_view version,
                              std::string_view kind) {
  for (const ResourceType& type : kResources) {
    if (type.group == group && type.version == version && type.kind == kind) return &type;
  }
  return nullptr;
}

std::string api_version(const ResourceType& type) {
  if (type.group.empty()) return std::string(type.version);
  return std::string(type.group) + "/" + std::string(type.version);
}

std::string qualified_resource(const ResourceType& type) {
  if (type.group.empty()) return std::string(type.plural);
  return std::string(type.plural) + "." + std::string(type.group);
}

std::string qualified_kind(const ResourceType& type) {
  if (type.group.empty()) return std::string(type.kind);
  return std::string(type.kind) + "." + std::string(type.group);
}

json::object to_stored(const ResourceType& type, json::object object) {
  if (!is_new_event(type)) return object;
  for (auto [core, renamed] : kEventFields) rename(object, renamed, core);
  object["apiVersion"] = "v1";
  return object;
}

json::object from_stored(const ResourceType& type, json::object object) {
  if (!is_new_event(type)) return object;
  for (auto [core, renamed] : kEventFields) rename(object, core, renamed);
  object["apiVersion"] = "events.k8s.io/v1";
  return object;
}

}  // namespace fairlead::api
