// begin_metadata (create) or carry_metadata (update) -> the kind's own defaults ->
// validate_metadata*.
#include "controlplane/api/metadata.hpp"

#include <algorithm>
#include <array>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/names.hpp"
#include "objects/decode.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostAnnotationBytes = 256 << 10;
constexpr std::array<std::string_view, 3> kStandardFinalizers{"kubernetes", "orphan",
                                                              "foregroundDeletion"};

Complaints check_name(const ResourceType& type, std::string_view name) {
  if (type.kind == "Service") return check_dns1035_label(name);
  if (type.kind == "Namespace") return check_dns1123_label(name);
  return check_dns1123_subdomain(name);
}

void validate_name(const ResourceType& type, const json::object& object, FieldErrors& errors) {
  std::string_view name = text_at(object, {"metadata", "name"});
  std::string_view base = text_at(object, {"metadata", "generateName"});
  if (!base.empty()) {  // a prefix may end with '-'
    std::string whole = std::string(base) + "x";
    add_invalid(errors, "metadata.generateName", json::value(base), check_name(type, whole));
  }
  if (name.empty()) {
    errors.push_back(required("metadata.name", "name or generateName is required"));
  } else {
    add_invalid(errors, "metadata.name", json::value(name), check_name(type, name));
  }
}

void validate_namespace(const ResourceType& type, const json::object& object, FieldErrors& errors) {
  std::string_view ns = text_at(object, {"metadata", "namespace"});
  if (!type.namespaced && !ns.empty()) {
    errors.push_back(forbidden_value("metadata.namespace", "not allowed on this type"));
  }
  if (!type.namespaced) return;
  if (ns.empty()) errors.push_back(required("metadata.namespace"));
  if (!ns.empty()) {
    add_invalid(errors, "metadata.namespace", json::value(ns), check_dns1123_label(ns));
  }
}

void validate_annotations(const json::object& annotations, FieldErrors& errors) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations) {
    std::string lower(key);
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    add_invalid(errors, "metadata.annotations", json::value(key), check_qualified_name(lower));
    bytes += key.size() + text_of(value).size();
  }
  if (bytes > kMostAnnotationBytes) {
    errors.push_back(too_long("metadata.annotations", kMostAnnotationBytes));
  }
}

void validate_owners(const json::array& owners, FieldErrors& errors) {
  std::string_view controller;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const json::object& owner = object_of(owners[i]);
    std::string field = indexed("metadata.ownerReferences", i);
    for (std::string_view part : {"apiVersion", "kind", "name", "uid"}) {
      if (!text_at(owner, {part}).empty()) continue;
      std::string_view what = part == "apiVersion" ? "version" : part;
      errors.push_back(invalid_value(field + "." + std::string(part), "",
                                     std::string(what) + " must not be empty"));
    }
    if (!true_at(owner, {"controller"})) continue;
    std::string_view name = text_at(owner, {"name"});
    if (!controller.empty()) {
      errors.push_back(invalid_value(
          "metadata.ownerReferences", owners,
          "Only one reference can have Controller set to true. Found \"true\" in references for " +
              std::string(controller) + " and " + std::string(name)));
    }
    controller = name;
  }
}

void validate_finalizers(const json::array& finalizers, FieldErrors& errors) {
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    std::string_view name = text_of(finalizers[i]);
    std::string field = indexed("metadata.finalizers", i);
    Complaints complaints = check_qualified_name(name);
    add_invalid(errors, field, finalizers[i], complaints);
    bool standard = std::ranges::find(kStandardFinalizers, name) != kStandardFinalizers.end();
    if (complaints.empty() && name.find('/') == name.npos && !standard) {
      errors.push_back(
          invalid_value(field, finalizers[i],
                        "name is neither a standard finalizer name nor is it fully qualified"));
    }
  }
}

void carry(const json::object& from, json::object& to, std::string_view key) {
  if (const json::value* value = from.if_contains(key)) {
    to[key] = *value;
  } else {
    to.erase(key);
  }
}

}  // namespace

std::string generate_name(std::string_view base, std::mt19937_64& random) {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t kMostBase = 58;
  std::uniform_int_distribution<std::size_t> letter(0, kLetters.size() - 1);
  std::string name(base.substr(0, kMostBase));
  for (int i = 0; i < 5; ++i) name.push_back(kLetters[letter(random)]);
  return name;
}

std::string generate_uid(std::mt19937_64& random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string uid;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    if (i % 16 == 0) bits = random();
    auto digit = static_cast<std::size_t>(bits & 15);
    bits >>= 4;
    if (i == 12) digit = 4;                // RFC 9562: version 4
    if (i == 16) digit = (digit & 3) | 8;  // and its variant
    if (i == 8 || i == 12 || i == 16 || i == 20) uid.push_back('-');
    uid.push_back(kDigits[digit]);
  }
  return uid;
}

void begin_metadata(json::object& object, Time now, std::mt19937_64& random) {
  json::object& metadata = ensure_object(object, "metadata");
  for (std::string_view key : {"resourceVersion", "selfLink", "deletionTimestamp",
                               "deletionGracePeriodSeconds", "managedFields", "generation"}) {
    metadata.erase(key);
  }
  std::string_view base = text_at(metadata, {"generateName"});
  if (text_at(metadata, {"name"}).empty() && !base.empty()) {
    metadata["name"] = generate_name(base, random);
  }
  metadata["uid"] = generate_uid(random);
  metadata["creationTimestamp"] = format_time(now);
}

void carry_metadata(const json::object& old, json::object& object) {
  json::object& metadata = ensure_object(object, "metadata");
  const json::object& before = object_at(old, {"metadata"});
  for (std::string_view key : {"uid", "creationTimestamp", "deletionTimestamp",
                               "deletionGracePeriodSeconds", "resourceVersion", "generateName"}) {
    carry(before, metadata, key);
  }
  metadata.erase("managedFields");
  metadata.erase("selfLink");
}

void validate_labels(const json::object& labels, const std::string& field, FieldErrors& errors) {
  for (const auto& [key, value] : labels) {
    add_invalid(errors, field, json::value(key), check_qualified_name(key));
    add_invalid(errors, field, value, check_label_value(text_of(value)));
  }
}

void validate_metadata(const ResourceType& type, const json::object& object, FieldErrors& errors) {
  validate_name(type, object, errors);
  validate_namespace(type, object, errors);
  const json::object& metadata = object_at(object, {"metadata"});
  validate_labels(object_at(metadata, {"labels"}), "metadata.labels", errors);
  validate_annotations(object_at(metadata, {"annotations"}), errors);
  validate_owners(array_at(metadata, {"ownerReferences"}), errors);
  validate_finalizers(array_at(metadata, {"finalizers"}), errors);
}

void validate_metadata_update(const json::object& old, const json::object& object,
                              FieldErrors& errors) {
  validate_immutable(old, object, {"metadata", "name"}, errors);
  validate_immutable(old, object, {"metadata", "namespace"}, errors);
  if (text_at(old, {"metadata", "deletionTimestamp"}).empty()) return;
  std::string added;
  const json::array& before = array_at(old, {"metadata", "finalizers"});
  for (const json::value& finalizer : array_at(object, {"metadata", "finalizers"})) {
    if (std::ranges::find(before, finalizer) != before.end()) continue;
    added += (added.empty() ? "" : ", ") + json::serialize(finalizer);
  }
  if (!added.empty()) {
    errors.push_back(forbidden_value(
        "metadata.finalizers",
        "no new finalizers can be added if the object is being deleted, found new finalizers "
        "[]string{" +
            added + "}"));
  }
}

void validate_immutable(const json::object& old, const json::object& object,
                        std::initializer_list<std::string_view> path, FieldErrors& errors) {
  const json::value* before = find_value(old, path);
  const json::value* after = find_value(object, path);
  const json::value none;
  if ((before == nullptr ? none : *before) == (after == nullptr ? none : *after)) return;
  std::string field;
  for (std::string_view part : path) field.append(field.empty() ? "" : ".").append(part);
  errors.push_back(invalid_value(std::move(field), after == nullptr ? none : *after, kImmutable));
}

}  // namespace fairlead::api
