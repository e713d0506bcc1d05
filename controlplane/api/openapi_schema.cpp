// schema.hpp's tables -> JSON schemas as Kubernetes publishes them, with its x-kubernetes-…
// extensions; both OpenAPI documents use them.
#include "controlplane/api/openapi_schema.hpp"

#include <algorithm>

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.";

struct Special {
  FieldType type;
  std::string_view name;
  std::string_view json_type;
  std::string_view format;
  std::string_view description;
};

constexpr Special kSpecials[] = {
    {FieldType::kTime, "io.k8s.apimachinery.pkg.apis.meta.v1.Time", "string", "date-time",
     "A time in seconds, as RFC 3339 writes it."},
    {FieldType::kMicroTime, "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", "string", "date-time",
     "A time in microseconds, as RFC 3339 writes it."},
    {FieldType::kDuration, "io.k8s.apimachinery.pkg.apis.meta.v1.Duration", "string", "",
     "A length of time, as Go writes it: 1h2m3s."},
    {FieldType::kQuantity, "io.k8s.apimachinery.pkg.api.resource.Quantity", "string", "",
     "An amount of a resource: a number with a suffix such as m, k, Mi or e3."},
    {FieldType::kIntOrString, "io.k8s.apimachinery.pkg.util.intstr.IntOrString", "string",
     "int-or-string", "A number, or the name of one."},
    {FieldType::kFieldsV1, "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", "object", "",
     "A set of fields, as paths within an object."},
};

json::object reference(std::string_view name, std::string_view prefix) {
  return {{"$ref", std::string(prefix) + std::string(name)}};
}

json::object element_schema(const Field& field, std::string_view prefix) {
  for (const Special& special : kSpecials) {
    if (special.type == field.type) return reference(special.name, prefix);
  }
  switch (field.type) {
    case FieldType::kBool:
      return {{"type", "boolean"}};
    case FieldType::kInt32:
      return {{"type", "integer"}, {"format", "int32"}};
    case FieldType::kInt64:
      return {{"type", "integer"}, {"format", "int64"}};
    case FieldType::kDouble:
      return {{"type", "number"}, {"format", "double"}};
    case FieldType::kBytes:
      return {{"type", "string"}, {"format", "byte"}};
    case FieldType::kMessage:
      return reference(message_of(field).schema_name, prefix);
    default:
      return {{"type", "string"}};
  }
}

json::array split(std::string_view text) {
  json::array parts;
  while (!text.empty()) {
    std::size_t comma = text.find(',');
    parts.push_back(json::value(text.substr(0, comma)));
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  return parts;
}

void add_extensions(const Field& field, json::object& schema) {
  if (field.shape == Shape::kList) {
    if (!field.list_keys.empty()) {
      schema["x-kubernetes-list-map-keys"] = split(field.list_keys);
      schema["x-kubernetes-list-type"] = "map";
    } else if (field.has(kListSet)) {
      schema["x-kubernetes-list-type"] = "set";
    } else if (field.has(kAtomic)) {
      schema["x-kubernetes-list-type"] = "atomic";
    }
  } else if (field.has(kAtomic)) {
    schema["x-kubernetes-map-type"] = "atomic";
  }
  if (!field.merge_key.empty()) schema["x-kubernetes-patch-merge-key"] = field.merge_key;
  if (field.has(kPatchMerge) || field.has(kRetainKeys)) {
    std::string strategy = field.has(kPatchMerge) ? "merge" : "";
    if (field.has(kRetainKeys)) strategy += strategy.empty() ? "retainKeys" : ",retainKeys";
    schema["x-kubernetes-patch-strategy"] = strategy;
  }
}

json::object field_schema(const Field& field, std::string_view prefix) {
  json::object schema = element_schema(field, prefix);
  if (field.shape == Shape::kList) schema = {{"type", "array"}, {"items", schema}};
  if (field.shape == Shape::kMap) schema = {{"type", "object"}, {"additionalProperties", schema}};
  if (!field.description.empty()) {
    // A reference with a description of its own is written as allOf.
    if (auto* found = schema.if_contains("$ref");
        found != nullptr && prefix.starts_with("#/components")) {
      schema = {{"allOf", json::array{json::object{{"$ref", *found}}}}};
    }
    schema["description"] = field.description;
  }
  add_extensions(field, schema);
  return schema;
}

void add_fields(const Message& message, std::string_view prefix, json::object& properties,
                json::array& required) {
  for (const Field& field : fields_of(message)) {
    if (field.has(kInline)) {
      add_fields(message_of(field), prefix, properties, required);
      continue;
    }
    properties[field.json_name] = field_schema(field, prefix);
    if (field.has(kRequired)) required.push_back(json::value(field.json_name));
  }
}

void add_type_fields(json::object& properties) {
  properties["apiVersion"] = {
      {"type", "string"},
      {"description", "Group and version of the kind, as \"v1\" or \"discovery.k8s.io/v1\"."}};
  properties["kind"] = {{"type", "string"}, {"description", "The kind of object."}};
}

void visit(const Message& message, std::set<const Message*>& seen) {
  if (!seen.insert(&message).second) return;
  for (const Field& field : fields_of(message)) {
    if (field.type == FieldType::kMessage) visit(message_of(field), seen);
  }
}

std::string capitalized_group(const ResourceType& type) {
  std::string_view group =
      type.group.empty() ? std::string_view("core") : type.group.substr(0, type.group.find('.'));
  std::string text(group);
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  text += type.version;
  auto at = text.size() - type.version.size();
  text[at] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[at])));
  return text;
}

}  // namespace

json::object group_version_kind(const ResourceType& type) {
  return {{"group", type.group}, {"kind", type.kind}, {"version", type.version}};
}

json::object message_schema(const Message& message, std::string_view ref_prefix,
                            const ResourceType* type) {
  json::object properties;
  json::array required;
  if (message.has(kKind)) add_type_fields(properties);
  add_fields(message, ref_prefix, properties, required);
  json::object schema{{"type", "object"}};
  if (!message.description.empty()) schema["description"] = message.description;
  if (!properties.empty()) schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  if (message.has(kAtomic)) schema["x-kubernetes-map-type"] = "atomic";
  if (type != nullptr) {
    schema["x-kubernetes-group-version-kind"] = json::array{group_version_kind(*type)};
  }
  return schema;
}

std::string list_schema_name(const ResourceType& type) {
  return std::string(type.schema_name) + "List";
}

json::object list_schema(const ResourceType& type, std::string_view ref_prefix) {
  json::object gvk = group_version_kind(type);
  gvk["kind"] = type.list_kind;
  json::object properties;
  add_type_fields(properties);
  properties["metadata"] = reference(std::string(kMeta) + "ListMeta", ref_prefix);
  properties["items"] = {{"type", "array"}, {"items", reference(type.schema_name, ref_prefix)}};
  return {{"type", "object"},
          {"description", "A list of objects of kind " + std::string(type.kind) + "."},
          {"properties", std::move(properties)},
          {"required", json::array{"items"}},
          {"x-kubernetes-group-version-kind", json::array{std::move(gvk)}}};
}

json::object special_schemas() {
  json::object schemas;
  for (const Special& special : kSpecials) {
    json::object schema{{"type", special.json_type}, {"description", special.description}};
    if (!special.format.empty()) schema["format"] = special.format;
    schemas[special.name] = std::move(schema);
  }
  return schemas;
}

std::set<const Message*> reachable(std::span<const Message* const> roots) {
  std::set<const Message*> seen;
  for (const Message* root : roots) visit(*root, seen);
  return seen;
}

std::vector<Operation> operations_of(const ResourceType& type) {
  std::string base = type.group.empty() ? "/api/v1" : "/apis/" + api_version(type);
  std::string scope = type.namespaced ? "/namespaces/{namespace}/" : "/";
  std::string list = base + scope + std::string(type.plural);
  std::string one = list + "/{name}";
  std::string suffix =
      capitalized_group(type) + (type.namespaced ? "Namespaced" : "") + std::string(type.kind);
  std::vector<Operation> operations{
      {list, "get", "list", "list" + suffix, false, true},
      {list, "post", "post", "create" + suffix, true, false},
      {list, "delete", "deletecollection",
       "delete" + capitalized_group(type) + "Collection" + (type.namespaced ? "Namespaced" : "") +
           std::string(type.kind),
       false, false},
      {one, "get", "get", "read" + suffix, false, false},
      {one, "put", "put", "replace" + suffix, true, false},
      {one, "patch", "patch", "patch" + suffix, true, false},
      {one, "delete", "delete", "delete" + suffix, false, false},
  };
  if (type.has_status) {
    operations.push_back({one + "/status", "get", "get", "read" + suffix + "Status", false, false});
    operations.push_back(
        {one + "/status", "put", "put", "replace" + suffix + "Status", true, false});
    operations.push_back(
        {one + "/status", "patch", "patch", "patch" + suffix + "Status", true, false});
  }
  if (type.namespaced) {
    operations.push_back(
        {base + "/" + std::string(type.plural), "get", "list",
         "list" + capitalized_group(type) + std::string(type.kind) + "ForAllNamespaces", false,
         true});
  }
  return operations;
}

}  // namespace fairlead::api
