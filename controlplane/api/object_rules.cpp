// The small kinds: Namespace, ConfigMap, Lease, and the two Events.
#include <algorithm>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/metadata.hpp"
#include "controlplane/api/names.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {

namespace json = boost::json;

void default_namespace(json::object& ns) {
  // The label lets network policies and selectors name a Namespace; it always says the truth.
  json::object& labels = ensure_object(ensure_object(ns, "metadata"), "labels");
  labels["kubernetes.io/metadata.name"] = json::value(text_at(ns, {"metadata", "name"}));
  ensure_object(ns, "spec");
  ensure_object(ns, "status");
}

void begin_namespace(json::object& ns) {
  json::object& spec = ensure_object(ns, "spec");
  json::array finalizers = array_at(spec, {"finalizers"});
  if (std::ranges::find(finalizers, json::value("kubernetes")) == finalizers.end()) {
    finalizers.push_back("kubernetes");
  }
  spec["finalizers"] = std::move(finalizers);
  ns["status"] = json::object{{"phase", "Active"}};
}

void update_namespace(const json::object& old, json::object& ns) {
  ns["spec"] = object_at(old, {"spec"});
}

void validate_config_map(const json::object& map, FieldErrors& errors) {
  constexpr std::size_t kMostBytes = 1 << 20;
  std::size_t bytes = 0;
  const json::object& data = object_at(map, {"data"});
  const json::object& binary = object_at(map, {"binaryData"});
  for (const auto& [key, value] : data) {
    add_invalid(errors, "data[" + std::string(key) + "]", json::value(key), check_config_key(key));
    if (binary.contains(key)) {
      errors.push_back(invalid_value("data[" + std::string(key) + "]", json::value(key),
                                     "duplicate of key present in binaryData"));
    }
    bytes += text_of(value).size();
  }
  for (const auto& [key, value] : binary) {
    add_invalid(errors, "binaryData[" + std::string(key) + "]", json::value(key),
                check_config_key(key));
    bytes += text_of(value).size() / 4 * 3;
  }
  if (bytes > kMostBytes) errors.push_back(too_long("", kMostBytes));
}

void validate_config_map_update(const json::object& old, const json::object& map,
                                FieldErrors& errors) {
  constexpr std::string_view kWhenSet = "field is immutable when `immutable` is set";
  if (!true_at(old, {"immutable"})) return;
  if (!true_at(map, {"immutable"})) errors.push_back(forbidden_value("immutable", kWhenSet));
  for (std::string_view key : {"data", "binaryData"}) {
    if (object_at(old, {key}) != object_at(map, {key})) {
      errors.push_back(forbidden_value(std::string(key), kWhenSet));
    }
  }
}

void validate_lease(const json::object& lease, FieldErrors& errors) {
  if (auto seconds = integer_at(lease, {"spec", "leaseDurationSeconds"});
      seconds && *seconds <= 0) {
    errors.push_back(
        invalid_value("spec.leaseDurationSeconds", *seconds, "must be greater than 0"));
  }
  if (auto count = integer_at(lease, {"spec", "leaseTransitions"}); count && *count < 0) {
    errors.push_back(
        invalid_value("spec.leaseTransitions", *count, "must be greater than or equal to 0"));
  }
}

void validate_event(const json::object& event, FieldErrors& errors) {
  std::string_view ns = text_at(event, {"metadata", "namespace"});
  std::string_view about = text_at(event, {"involvedObject", "namespace"});
  // Events of objects without namespace are kept in "default".
  bool matches = about == ns || (about.empty() && ns == "default");
  if (!matches) {
    errors.push_back(invalid_value("involvedObject.namespace", json::value(about),
                                   "does not match event.namespace"));
  }
}

void validate_new_event(const json::object& event, FieldErrors& errors) {
  std::string_view ns = text_at(event, {"metadata", "namespace"});
  std::string_view about = text_at(event, {"regarding", "namespace"});
  if (about != ns && !(about.empty() && ns == "default")) {
    errors.push_back(
        invalid_value("regarding.namespace", json::value(about), "does not match event.namespace"));
  }
  for (std::string_view key :
       {"eventTime", "reportingController", "reportingInstance", "action", "reason"}) {
    if (text_at(event, {key}).empty()) errors.push_back(required(std::string(key)));
  }
  std::string_view type = text_at(event, {"type"});
  if (type != "Normal" && type != "Warning") {
    errors.push_back(
        invalid_value("type", json::value(type), "has invalid value: " + std::string(type)));
  }
}

}  // namespace fairlead::api
