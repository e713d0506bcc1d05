// EndpointSlices and Endpoints: the addresses that traffic may be sent to. Loopback, link-local and
// multicast addresses are refused, since whoever may write endpoints could else reach what listens
// on the node alone (CVE-2021-25737).
#include <algorithm>
#include <set>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/metadata.hpp"
#include "controlplane/api/names.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostEndpoints = 1000;
constexpr std::size_t kMostAddresses = 100;
constexpr std::size_t kMostPorts = 100;
constexpr std::size_t kMostZoneHints = 8;

void check_address(const json::value& address, std::string_view type, const std::string& field,
                   FieldErrors& errors) {
  std::string_view text = text_of(address);
  if (type == "FQDN") {
    std::string_view host = text;
    if (host.ends_with('.')) host.remove_suffix(1);
    add_invalid(errors, field, address, check_dns1123_subdomain(host));
    if (host.find('.') == host.npos) {
      errors.push_back(invalid_value(
          field, address, "should be a domain with at least two segments separated by dots"));
    }
    return;
  }
  auto ip = parse_ip(text);
  Family wanted = type == "IPv6" ? Family::kIpv6 : Family::kIpv4;
  if (!ip || ip->family() != wanted) {
    errors.push_back(
        invalid_value(field, address, "must be a valid " + std::string(type) + " address"));
    return;
  }
  add_invalid(errors, field, address, check_non_special_ip(*ip));
}

void check_endpoint(const json::object& endpoint, std::string_view type, const std::string& field,
                    FieldErrors& errors) {
  const json::array& addresses = array_at(endpoint, {"addresses"});
  if (addresses.empty())
    errors.push_back(required(field + ".addresses", "must contain at least 1 address"));
  if (addresses.size() > kMostAddresses) {
    errors.push_back(too_many(field + ".addresses", addresses.size(), kMostAddresses));
    return;
  }
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    check_address(addresses[i], type, indexed(field + ".addresses", i), errors);
  }
  if (const json::value* node = endpoint.if_contains("nodeName")) {
    add_invalid(errors, field + ".nodeName", *node, check_dns1123_subdomain(text_of(*node)));
  }
  if (const json::value* host = endpoint.if_contains("hostname")) {
    add_invalid(errors, field + ".hostname", *host, check_dns1123_label(text_of(*host)));
  }
  const json::array& zones = array_at(endpoint, {"hints", "forZones"});
  if (zones.size() > kMostZoneHints) {
    errors.push_back(too_many(field + ".hints.forZones", zones.size(), kMostZoneHints));
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < zones.size(); ++i) {
    std::string_view zone = text_at(object_of(zones[i]), {"name"});
    std::string where = indexed(field + ".hints.forZones", i) + ".name";
    if (!seen.insert(zone).second) errors.push_back(duplicate(where, json::value(zone)));
    add_invalid(errors, where, json::value(zone), check_label_value(zone));
  }
}

void check_protocol(const json::object& port, const std::string& field, FieldErrors& errors) {
  std::string_view protocol = text_at(port, {"protocol"});
  if (protocol.empty()) {
    errors.push_back(required(field));
  } else if (!parse_protocol(protocol)) {
    errors.push_back(not_supported(field, json::value(protocol), {"TCP", "UDP", "SCTP"}));
  }
}

void check_slice_ports(const json::array& ports, FieldErrors& errors) {
  if (ports.size() > kMostPorts) {
    errors.push_back(too_many("ports", ports.size(), kMostPorts));
    return;
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const json::object& port = object_of(ports[i]);
    std::string field = indexed("ports", i);
    std::string_view name = text_at(port, {"name"});
    if (!name.empty())
      add_invalid(errors, field + ".name", json::value(name), check_dns1123_label(name));
    if (!names.insert(name).second) errors.push_back(duplicate(field + ".name", json::value(name)));
    check_protocol(port, field + ".protocol", errors);
    if (const json::value* number = port.if_contains("port")) {
      add_invalid(errors, field + ".port", *number,
                  check_port_number(integer_of(*number).value_or(0)));
    }
    if (const json::value* app = port.if_contains("appProtocol")) {
      add_invalid(errors, field + ".appProtocol", *app, check_qualified_name(text_of(*app)));
    }
  }
}

void check_endpoint_addresses(const json::array& addresses, const std::string& field,
                              FieldErrors& errors) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const json::object& one = object_of(addresses[i]);
    std::string where = indexed(field, i);
    std::string_view text = text_at(one, {"ip"});
    auto ip = parse_ip(text);
    if (!ip) {
      errors.push_back(invalid_value(where + ".ip", json::value(text), kBadIp));
    } else {
      add_invalid(errors, where + ".ip", json::value(text), check_non_special_ip(*ip));
    }
    std::string_view host = text_at(one, {"hostname"});
    if (!host.empty())
      add_invalid(errors, where + ".hostname", json::value(host), check_dns1123_label(host));
    if (const json::value* node = one.if_contains("nodeName")) {
      add_invalid(errors, where + ".nodeName", *node, check_dns1123_subdomain(text_of(*node)));
    }
  }
}

/// name "" and protocol TCP, where missing.
void default_ports(json::object& holder, bool with_name) {
  json::value* ports = holder.if_contains("ports");
  if (ports == nullptr || !ports->is_array()) return;
  for (json::value& entry : ports->get_array()) {
    json::object& port = entry.get_object();
    if (with_name && !port.contains("name")) port["name"] = "";
    if (text_at(port, {"protocol"}).empty()) port["protocol"] = "TCP";
  }
}

}  // namespace

void default_endpoint_slice(json::object& slice) {
  default_ports(slice, true);
  for (std::string_view key : {"endpoints", "ports"}) {
    if (!slice.contains(key)) slice[key] = json::array{};
  }
}

void validate_endpoint_slice(const json::object& slice, FieldErrors& errors) {
  std::string_view type = text_at(slice, {"addressType"});
  if (type.empty()) {
    errors.push_back(required("addressType"));
  } else if (type != "IPv4" && type != "IPv6" && type != "FQDN") {
    errors.push_back(not_supported("addressType", json::value(type), {"IPv4", "IPv6", "FQDN"}));
  } else {
    const json::array& endpoints = array_at(slice, {"endpoints"});
    if (endpoints.size() > kMostEndpoints) {
      errors.push_back(too_many("endpoints", endpoints.size(), kMostEndpoints));
    }
    for (std::size_t i = 0; i < endpoints.size() && endpoints.size() <= kMostEndpoints; ++i) {
      check_endpoint(object_of(endpoints[i]), type, indexed("endpoints", i), errors);
    }
  }
  check_slice_ports(array_at(slice, {"ports"}), errors);
}

void validate_endpoint_slice_update(const json::object& old, const json::object& slice,
                                    FieldErrors& errors) {
  validate_immutable(old, slice, {"addressType"}, errors);
}

void default_endpoints(json::object& endpoints) {
  json::value* subsets = endpoints.if_contains("subsets");
  if (subsets == nullptr || !subsets->is_array()) return;
  for (json::value& subset : subsets->get_array()) default_ports(subset.get_object(), false);
}

void validate_endpoints(const json::object& endpoints, FieldErrors& errors) {
  const json::array& subsets = array_at(endpoints, {"subsets"});
  for (std::size_t i = 0; i < subsets.size(); ++i) {
    const json::object& subset = object_of(subsets[i]);
    std::string field = indexed("subsets", i);
    const json::array& addresses = array_at(subset, {"addresses"});
    const json::array& not_ready = array_at(subset, {"notReadyAddresses"});
    if (addresses.empty() && not_ready.empty()) {
      errors.push_back(required(field, "must specify `addresses` or `notReadyAddresses`"));
    }
    check_endpoint_addresses(addresses, field + ".addresses", errors);
    check_endpoint_addresses(not_ready, field + ".notReadyAddresses", errors);
    const json::array& ports = array_at(subset, {"ports"});
    for (std::size_t j = 0; j < ports.size(); ++j) {
      const json::object& port = object_of(ports[j]);
      std::string where = indexed(field + ".ports", j);
      std::string_view name = text_at(port, {"name"});
      if (name.empty() && ports.size() > 1) errors.push_back(required(where + ".name"));
      if (!name.empty())
        add_invalid(errors, where + ".name", json::value(name), check_dns1123_label(name));
      std::int64_t number = integer_at(port, {"port"}).value_or(0);
      add_invalid(errors, where + ".port", number, check_port_number(number));
      check_protocol(port, where + ".protocol", errors);
    }
  }
}

}  // namespace fairlead::api
