// Object -> the cells that `kubectl get` prints. One row of columns and one function a kind; cells
// come in the order of the columns.
#include "controlplane/api/table.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/table_cells.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

struct Column {
  std::string_view name;
  std::string_view type = "string";
  int priority = 0;
  std::string_view format = "";
};

constexpr Column kName{"Name", "string", 0, "name"};
constexpr Column kAge{"Age"};

constexpr Column kServiceColumns[] = {
    kName, {"Type"}, {"Cluster-IP"}, {"External-IP"}, {"Port(s)"}, kAge, {"Selector", "string", 1}};
constexpr Column kNodeColumns[] = {kName,
                                   {"Status"},
                                   {"Roles"},
                                   kAge,
                                   {"Version"},
                                   {"Internal-IP", "string", 1},
                                   {"External-IP", "string", 1},
                                   {"OS-Image", "string", 1},
                                   {"Kernel-Version", "string", 1},
                                   {"Container-Runtime", "string", 1}};
constexpr Column kPodColumns[] = {kName,
                                  {"Ready"},
                                  {"Status"},
                                  {"Restarts"},
                                  kAge,
                                  {"IP", "string", 1},
                                  {"Node", "string", 1},
                                  {"Nominated Node", "string", 1},
                                  {"Readiness Gates", "string", 1}};
constexpr Column kSliceColumns[] = {kName, {"AddressType"}, {"Ports"}, {"Endpoints"}, kAge};
constexpr Column kEndpointsColumns[] = {kName, {"Endpoints"}, kAge};
constexpr Column kNamespaceColumns[] = {kName, {"Status"}, kAge};
constexpr Column kConfigMapColumns[] = {kName, {"Data", "integer"}, kAge};
constexpr Column kSecretColumns[] = {kName, {"Type"}, {"Data", "integer"}, kAge};
constexpr Column kLeaseColumns[] = {kName, {"Holder"}, kAge};
constexpr Column kEventColumns[] = {{"Last Seen"},
                                    {"Type"},
                                    {"Reason"},
                                    {"Object"},
                                    {"Subobject", "string", 1},
                                    {"Source", "string", 1},
                                    {"Message"},
                                    {"First Seen", "string", 1},
                                    {"Count", "integer", 1},
                                    {"Name", "string", 1, "name"}};
constexpr Column kPoolColumns[] = {
    kName,        {"Addresses"},           {"Auto-Assign", "boolean"},
    {"Announce"}, {"Assigned", "integer"}, {"Available", "integer"},
    kAge};
constexpr Column kPeerColumns[] = {kName,
                                   {"Address"},
                                   {"ASN", "integer"},
                                   kAge,
                                   {"Port", "integer", 1},
                                   {"Hold-Time", "integer", 1},
                                   {"Families", "string", 1}};
constexpr Column kAdvertisementColumns[] = {kName,     {"Routes"}, {"Pools"},
                                            {"Peers"}, kAge,       {"Communities", "string", 1}};
constexpr Column kOtherColumns[] = {kName, kAge};

struct Layout {
  std::string_view kind;
  std::span<const Column> columns;
  json::array (*cells)(const json::object&, Time now);
};

constexpr Layout kLayouts[] = {
    {"Service", kServiceColumns, service_cells},
    {"Node", kNodeColumns, node_cells},
    {"Pod", kPodColumns, pod_cells},
    {"EndpointSlice", kSliceColumns, endpoint_slice_cells},
    {"Endpoints", kEndpointsColumns, endpoints_cells},
    {"Namespace", kNamespaceColumns, namespace_cells},
    {"ConfigMap", kConfigMapColumns, config_map_cells},
    {"Secret", kSecretColumns, secret_cells},
    {"Lease", kLeaseColumns, lease_cells},
    {"Event", kEventColumns, event_cells},
    {"AddressPool", kPoolColumns, address_pool_cells},
    {"BGPPeer", kPeerColumns, bgp_peer_cells},
    {"BGPAdvertisement", kAdvertisementColumns, bgp_advertisement_cells},
    {"", kOtherColumns, other_cells},
};

const Layout& layout_of(const ResourceType& type) {
  for (const Layout& layout : kLayouts) {
    if (layout.kind == type.kind) return layout;
  }
  return kLayouts[std::size(kLayouts) - 1];
}

}  // namespace

json::array table_columns(const ResourceType& type) {
  json::array columns;
  for (const Column& column : layout_of(type).columns) {
    columns.push_back({{"name", column.name},
                       {"type", column.type},
                       {"format", column.format},
                       {"description", ""},
                       {"priority", column.priority}});
  }
  return columns;
}

json::object table_row(const ResourceType& type, const json::object& object, Time now,
                       IncludeObject include) {
  // Events are shown alike, whichever group was asked.
  bool renamed = type.group == "events.k8s.io";
  json::array cells = layout_of(type).cells(renamed ? to_stored(type, object) : object, now);
  json::object row{{"cells", std::move(cells)}};
  switch (include) {
    case IncludeObject::kNone:
      break;
    case IncludeObject::kMetadata:
      row["object"] = json::object{{"kind", "PartialObjectMetadata"},
                                   {"apiVersion", "meta.k8s.io/v1"},
                                   {"metadata", object_at(object, {"metadata"})}};
      break;
    case IncludeObject::kObject:
      row["object"] = object;
      break;
  }
  return row;
}

std::string human_duration(Time from, Time now) {
  using namespace std::chrono;
  auto whole = floor<seconds>(now - from);
  if (whole < seconds(-1)) return "<invalid>";
  std::int64_t s = std::max<std::int64_t>(whole.count(), 0), m = s / 60, h = m / 60, d = h / 24;
  auto two = [](std::int64_t big, const char* unit, std::int64_t small, const char* small_unit) {
    std::string text = std::to_string(big) + unit;
    return small == 0 ? text : text + std::to_string(small) + small_unit;
  };
  if (s < 120) return std::to_string(s) + "s";
  if (m < 10) return two(m, "m", s % 60, "s");
  if (m < 180) return std::to_string(m) + "m";
  if (h < 8) return two(h, "h", m % 60, "m");
  if (h < 48) return std::to_string(h) + "h";
  if (h < 192) return two(d, "d", h % 24, "h");
  if (d < 730) return std::to_string(d) + "d";
  if (d < 8 * 365) return two(d / 365, "y", d % 365, "d");
  return std::to_string(d / 365) + "y";
}

}  // namespace fairlead::api
