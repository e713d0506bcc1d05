// metadata: name and namespace are checked against Kubernetes' own alphabet, because they end up in
// logs, in the kernel's comments and on terminals.
#include "objects/metadata.hpp"

#include <algorithm>

#include "objects/decode.hpp"

namespace fairlead {

namespace json = boost::json;

namespace {

constexpr std::size_t kLongestName = 253;  // RFC 1123 subdomain, as the API server checks

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

Result<std::string> name_field(const json::object& metadata, std::string_view key) {
  const auto* value = metadata.if_contains(key);
  if (value == nullptr || value->is_null()) return std::string();
  const std::string field = "metadata." + std::string(key) + ": ";
  if (!value->is_string()) return invalid(field + "expected text");
  const std::string_view text = value->get_string();
  if (text.empty() || is_name(text)) return std::string(text);
  return invalid(field + quoted(text) +
                 " is not a name: lower case letters, digits, '-' and '.', at most 253");
}

const json::object* map_field(const json::object& metadata, std::string_view key) {
  const auto* value = metadata.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

Result<> check_kind(const json::object& object, std::string_view kind) {
  const auto* value = object.if_contains("kind");
  if (value == nullptr || value->is_null()) return {};  // items of a list carry none
  if (value->is_string() && value->get_string() == kind) return {};
  return invalid("kind: not " + std::string(kind));
}

}  // namespace

Result<Metadata> decode_metadata(const json::value& json, std::string_view kind,
                                 Namespaced namespaced) {
  const auto* object = json.if_object();
  if (object == nullptr) return invalid(std::string(kind) + ": expected an object");
  if (auto checked = check_kind(*object, kind); !checked) return prefix(kind, checked.error());
  const auto* metadata = map_field(*object, "metadata");
  if (metadata == nullptr) return invalid(std::string(kind) + ": metadata: expected an object");

  auto name = name_field(*metadata, "name");
  if (!name) return prefix(kind, name.error());
  if (name->empty()) return invalid(std::string(kind) + ": metadata.name: missing");
  Metadata result;
  result.name.name = *std::move(name);
  if (namespaced == Namespaced::kYes) {
    auto ns = name_field(*metadata, "namespace");
    if (!ns) return prefix(std::string(kind) + ' ' + result.name.name, ns.error());
    result.name.ns = ns->empty() ? "default" : *std::move(ns);
  }
  const auto* deleted = metadata->if_contains("deletionTimestamp");
  result.being_deleted = deleted != nullptr && !deleted->is_null();
  result.all = metadata;
  result.labels = map_field(*metadata, "labels");
  result.annotations = map_field(*metadata, "annotations");
  return result;
}

std::string describe(std::string_view kind, const ObjectName& name) {
  return std::string(kind) + ' ' + (name.ns.empty() ? name.name : to_string(name));
}

Time decode_created(const Metadata& metadata, ProblemList& problems) {
  const Path root;
  const Path section = root / "metadata";
  const Fields fields(*metadata.all, section, problems);
  if (fields.find("creationTimestamp") == nullptr) return Time{};
  const auto text = fields.text("creationTimestamp");
  if (!text) return Time::max();
  auto time = parse_time(*text);
  if (time) return *time;
  problems.add(section / "creationTimestamp", std::move(time.error().doing));
  return Time::max();
}

bool is_handled_elsewhere(const Metadata& metadata) {
  return metadata.labels != nullptr &&
         (metadata.labels->contains("service.kubernetes.io/service-proxy-name") ||
          metadata.labels->contains("service.kubernetes.io/headless"));
}

Labels labels_of(const Metadata& metadata) {
  Labels labels;
  if (metadata.labels == nullptr) return labels;
  for (const auto& [key, value] : *metadata.labels) {
    if (value.is_string()) labels.emplace(key, value.get_string());
  }
  return labels;
}

std::string_view text_of(const json::object* map, std::string_view key) {
  if (map == nullptr) return {};
  const auto* value = map->if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

}  // namespace fairlead
