// discovery.k8s.io EndpointSlice (v1, v1beta1): JSON -> model. An endpoint that is wrong is left
// out; the others stay.
#include <optional>
#include <utility>

#include "objects/decode.hpp"
#include "objects/fields.hpp"
#include "objects/metadata.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

// The API server allows 1000 endpoints and 100 ports a slice. These only bound what a lying one can
// cost.
constexpr std::size_t kMostEndpoints = 10'000;
constexpr std::size_t kMostPorts = 1'000;
constexpr std::size_t kMostHints = 64;  // 8 are allowed
constexpr std::size_t kLongestPortName = 63, kLongestZone = 63, kLongestNode = 253;

void decode_port(const Fields& fields, std::vector<EndpointPort>& ports) {
  EndpointPort port;
  if (fields.find("name") != nullptr) {
    const auto name = fields.short_text("name", kLongestPortName);
    if (!name) return;
    port.name = *name;
  }
  if (fields.find("protocol") != nullptr) {
    const auto text = fields.text("protocol");
    if (!text) return;
    auto protocol = parse_protocol(*text);
    if (!protocol)
      return fields.problems().add(fields.path() / "protocol", std::move(protocol.error().doing));
    port.protocol = *protocol;
  }
  const auto number = fields.integer("port");
  if (!number) return;  // "all ports": for other consumers than a Service
  auto checked = make_port(*number);
  if (!checked)
    return fields.problems().add(fields.path() / "port", std::move(checked.error().doing));
  port.port = *checked;
  ports.push_back(std::move(port));
}

/// What no pod can have, and what would turn a Service into a way into this node or its neighbours
/// (CVE-2021-25737).
Result<> check_endpoint_address(const Ip& ip, Family family) {
  const auto refuse = [&](std::string_view why) {
    return invalid(to_string(ip) + ' ' + std::string(why));
  };
  if (ip.family() != family) return refuse("is not of the slice's addressType");
  if (ip.is_unspecified()) return refuse("is the unspecified address");
  if (ip.is_loopback()) return refuse("is a loopback address");
  if (ip.is_link_local()) return refuse("is a link-local address");
  if (ip.is_multicast()) return refuse("is a multicast address");
  return {};
}

std::optional<Ip> decode_address(const Fields& endpoint, Family family) {
  const auto* addresses = endpoint.array("addresses");
  if (addresses == nullptr || addresses->empty()) {
    endpoint.problems().add(endpoint.path() / "addresses", "no address; the endpoint is left out");
    return std::nullopt;
  }
  std::optional<Ip> address;
  const Path list = endpoint.path() / "addresses";
  const auto& first = addresses->front();
  if (!first.is_string()) {
    endpoint.problems().add(list[0], "expected text");
    return std::nullopt;
  }
  auto ip = parse_ip(first.get_string());
  auto checked = ip ? check_endpoint_address(*ip, family) : Result<>(tl::unexpected(ip.error()));
  if (checked) return *ip;
  endpoint.problems().add(list[0], std::move(checked.error().doing));
  return std::nullopt;
}

void decode_conditions(const Fields& fields, Endpoint& endpoint) {
  const auto* section = fields.object("conditions");
  if (section == nullptr) return;
  const Fields conditions(*section, fields.path() / "conditions", fields.problems());
  endpoint.ready = conditions.boolean("ready").value_or(true);
  endpoint.serving = conditions.boolean("serving").value_or(true);
  endpoint.terminating = conditions.boolean("terminating").value_or(false);
}

std::vector<std::string> decode_hint_names(const Fields& hints, std::string_view key,
                                           std::size_t longest) {
  std::vector<std::string> names;
  hints.for_each_object(key, kMostHints, [&](const Fields& hint) {
    if (const auto name = hint.short_text("name", longest)) names.emplace_back(*name);
  });
  names.shrink_to_fit();
  return names;
}

void decode_hints(const Fields& fields, Endpoint& endpoint) {
  const auto* section = fields.object("hints");
  if (section == nullptr) return;
  const Fields hints(*section, fields.path() / "hints", fields.problems());
  endpoint.hints = EndpointHints{decode_hint_names(hints, "forZones", kLongestZone),
                                 decode_hint_names(hints, "forNodes", kLongestNode)};
}

std::string decode_node_name(const Fields& fields) {
  if (const auto node = fields.short_text("nodeName", kLongestNode)) return std::string(*node);
  const auto* topology = fields.object("topology");  // v1beta1 before Kubernetes 1.20
  return std::string(text_of(topology, "kubernetes.io/hostname"));
}

void decode_endpoint(const Fields& fields, Family family, std::vector<Endpoint>& endpoints) {
  const auto address = decode_address(fields, family);
  if (!address) return;
  Endpoint& endpoint = endpoints.emplace_back();
  endpoint.address = *address;
  endpoint.node = decode_node_name(fields);
  decode_conditions(fields, endpoint);
  decode_hints(fields, endpoint);
}

/// nullopt: FQDN or something later, which no datapath can send packets to.
Result<std::optional<Family>> decode_family(const Fields& fields) {
  const auto type = fields.text("addressType");
  if (type == "IPv4") return Family::kIpv4;
  if (type == "IPv6") return Family::kIpv6;
  if (type == "FQDN") return std::nullopt;
  return invalid(fields.problems().object() + ": addressType: expected IPv4, IPv6 or FQDN");
}

std::optional<Time> decode_last_change(const Metadata& metadata, ProblemList& problems) {
  constexpr std::string_view kKey = "endpoints.kubernetes.io/last-change-trigger-time";
  const auto text = text_of(metadata.annotations, kKey);
  if (text.empty()) return std::nullopt;
  auto time = parse_time(text);
  if (time) return *time;
  const Path root;
  const Path section = root / "metadata";
  const Path annotations = section / "annotations";
  problems.add(annotations / kKey, std::move(time.error().doing));
  return std::nullopt;
}

}  // namespace

Result<Decoded<EndpointSlice>> decode_endpoint_slice(const json::value& json) {
  TRY(const auto metadata, decode_metadata(json, "EndpointSlice", Namespaced::kYes));
  ProblemList problems(describe("EndpointSlice", metadata.name));
  const Path root;
  const Fields fields(json.get_object(), root, problems);
  EndpointSlice slice;
  slice.name = metadata.name;
  slice.service = text_of(metadata.labels, "kubernetes.io/service-name");
  slice.handled_elsewhere = is_handled_elsewhere(metadata);
  slice.last_change = decode_last_change(metadata, problems);
  TRY(const auto family, decode_family(fields));
  if (family) {
    slice.family = *family;
    fields.for_each_object("ports", kMostPorts,
                           [&](const Fields& port) { decode_port(port, slice.ports); });
    if (const auto* endpoints = fields.array("endpoints"))
      slice.endpoints.reserve(std::min(endpoints->size(), kMostEndpoints));
    fields.for_each_object("endpoints", kMostEndpoints, [&](const Fields& endpoint) {
      decode_endpoint(endpoint, slice.family, slice.endpoints);
    });
  }
  slice.ports.shrink_to_fit();
  slice.endpoints.shrink_to_fit();
  return Decoded<EndpointSlice>{std::move(slice), problems.take()};
}

}  // namespace fairlead
