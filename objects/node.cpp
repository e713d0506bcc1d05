// v1 Node: JSON -> model.
#include <algorithm>
#include <utility>

#include "objects/decode.hpp"
#include "objects/fields.hpp"
#include "objects/metadata.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostEntries = 1000;
constexpr std::size_t kLongestLabel = 63, kLongestTaintKey = 253 + 1 + 63;

std::string decode_zone(const Metadata& metadata, ProblemList& problems) {
  constexpr std::string_view kKey = "topology.kubernetes.io/zone";
  const auto zone = text_of(metadata.labels, kKey);
  if (zone.size() <= kLongestLabel) return std::string(zone);
  const Path root;
  const Path section = root / "metadata";
  const Path labels = section / "labels";
  problems.add(labels / kKey, quoted(zone) + " is no label's value");
  return {};
}

/// InternalIP before ExternalIP: consumers take the first of a family as the node's own.
std::vector<Ip> decode_addresses(const Fields& status) {
  std::vector<Ip> internal, external;
  status.for_each_object("addresses", kMostEntries, [&](const Fields& entry) {
    const auto type = entry.text("type");
    if (type != "InternalIP" && type != "ExternalIP") return;
    const auto text = entry.text("address");
    if (!text) return;
    auto ip = parse_ip(*text);
    if (!ip) return entry.problems().add(entry.path() / "address", std::move(ip.error().doing));
    (type == "InternalIP" ? internal : external).push_back(*ip);
  });
  std::vector<Ip> addresses;
  for (const auto* list : {&internal, &external}) {
    for (const Ip& ip : *list) {
      if (std::find(addresses.begin(), addresses.end(), ip) == addresses.end())
        addresses.push_back(ip);
    }
  }
  return addresses;
}

std::vector<Cidr> decode_pod_cidrs(const Fields& spec) {
  std::vector<Cidr> cidrs;
  const auto add = [&](std::string_view text, const Path& path) {
    if (text.empty()) return;
    auto cidr = parse_cidr(text);
    if (!cidr) return spec.problems().add(path, std::move(cidr.error().doing));
    cidrs.push_back(*cidr);
  };
  const auto* list = spec.array("podCIDRs");
  if (list != nullptr && !list->empty()) {
    spec.for_each_text("podCIDRs", kMostEntries, add);
  } else if (const auto single = spec.text("podCIDR")) {
    add(*single, spec.path() / "podCIDR");
  }
  return cidrs;
}

}  // namespace

Result<Decoded<Node>> decode_node(const json::value& json) {
  TRY(const auto metadata, decode_metadata(json, "Node", Namespaced::kNo));
  ProblemList problems(describe("Node", metadata.name));
  Node node;
  node.name = metadata.name.name;
  node.being_deleted = metadata.being_deleted;
  node.labels = labels_of(metadata);
  node.zone = decode_zone(metadata, problems);

  const Path root;
  const Fields fields(json.get_object(), root, problems);
  TRY(const auto* spec_section, fields.section("spec"));
  TRY(const auto* status_section, fields.section("status"));
  if (spec_section != nullptr) {
    const Fields spec(*spec_section, root / "spec", problems);
    node.pod_cidrs = decode_pod_cidrs(spec);
    spec.for_each_object("taints", kMostEntries, [&](const Fields& taint) {
      if (const auto key = taint.short_text("key", kLongestTaintKey))
        node.taint_keys.emplace_back(*key);
    });
  }
  if (status_section != nullptr) {
    node.addresses = decode_addresses(Fields(*status_section, root / "status", problems));
  }
  return Decoded<Node>{std::move(node), problems.take()};
}

}  // namespace fairlead
