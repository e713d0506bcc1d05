// The OpenAPI v2 document in the protobuf form of gnostic's openapi.v2.Document, which is the only
// one that kubectl asks for. Field numbers below are those of github.com/google/gnostic-models
// openapiv2/OpenAPIv2.proto. Extensions are YAML text there; JSON is YAML.
#include <map>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/openapi.hpp"
#include "controlplane/api/openapi_schema.hpp"
#include "controlplane/api/protobuf.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kRefs = "#/definitions/";
constexpr std::string_view kMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.";

enum DocumentField : std::uint32_t { kSwagger = 1, kInfo = 2, kPaths = 8, kDefinitions = 9 };
enum SchemaField : std::uint32_t {
  kRef = 1,
  kFormat = 2,
  kDescription = 4,
  kRequiredNames = 19,
  kAdditional = 21,
  kType = 22,
  kItems = 23,
  kProperties = 25,
  kSchemaExtension = 31,
};
enum PathField : std::uint32_t {
  kGet = 2,
  kPut = 3,
  kPost = 4,
  kDelete = 5,
  kPatch = 8,
  kPathParameters = 9
};
enum OperationField : std::uint32_t {
  kId = 5,
  kProduces = 6,
  kConsumes = 7,
  kParameters = 8,
  kResponses = 9,
  kOperationExtension = 13,
};

/// NamedX{name = 1, value = 2}.
ProtobufWriter named(std::string_view name, const ProtobufWriter& value) {
  ProtobufWriter entry;
  entry.text(1, name);
  entry.message(2, value);
  return entry;
}

void add_extension(ProtobufWriter& to, std::uint32_t number, std::string_view name,
                   const json::value& value) {
  ProtobufWriter any;
  any.text(2, json::serialize(value) + "\n");  // Any{yaml = 2}
  to.message(number, named(name, any));
}

ProtobufWriter schema_message(const json::object& schema) {
  ProtobufWriter result;
  if (const json::value* ref = schema.if_contains("$ref")) result.text(kRef, text_of(*ref));
  if (const json::value* format = schema.if_contains("format"))
    result.text(kFormat, text_of(*format));
  if (const json::value* text = schema.if_contains("description"))
    result.text(kDescription, text_of(*text));
  for (const json::value& name : array_at(schema, {"required"}))
    result.text(kRequiredNames, text_of(name));
  if (const json::value* additional = schema.if_contains("additionalProperties")) {
    ProtobufWriter item;
    item.message(1, schema_message(object_of(*additional)));
    result.message(kAdditional, item);
  }
  if (const json::value* type = schema.if_contains("type")) {
    ProtobufWriter item;
    item.text(1, text_of(*type));
    result.message(kType, item);
  }
  if (const json::value* items = schema.if_contains("items")) {
    ProtobufWriter item;
    item.message(1, schema_message(object_of(*items)));
    result.message(kItems, item);
  }
  const json::object& properties = object_at(schema, {"properties"});
  if (!properties.empty()) {
    ProtobufWriter all;
    for (const auto& [name, property] : properties)
      all.message(1, named(name, schema_message(object_of(property))));
    result.message(kProperties, all);
  }
  for (const auto& [key, value] : schema) {
    if (key.starts_with("x-kubernetes-")) add_extension(result, kSchemaExtension, key, value);
  }
  return result;
}

ProtobufWriter reference(std::string_view name) {
  ProtobufWriter schema;
  schema.text(kRef, std::string(kRefs) + std::string(name));
  return schema;
}

/// ParametersItem{parameter = 1 {non_body_parameter = 2 {query = 3 | path = 4}}}.
ProtobufWriter parameter(std::string_view in, std::string_view name, std::string_view type) {
  bool path = in == "path";
  ProtobufWriter sub, non_body, one, item;
  if (path) sub.integer(1, 1);
  sub.text(2, in);
  sub.text(4, name);
  sub.text(path ? 5 : 6, type);
  non_body.message(path ? 4 : 3, sub);
  one.message(2, non_body);
  item.message(1, one);
  return item;
}

/// ParametersItem{parameter = 1 {body_parameter = 1}}.
ProtobufWriter body_parameter(std::string_view schema_name) {
  ProtobufWriter body, one, item;
  body.text(2, "body");
  body.text(3, "body");
  body.integer(4, 1);
  body.message(5, reference(schema_name));
  one.message(1, body);
  item.message(1, one);
  return item;
}

/// Responses{response_code = 1 NamedResponseValue{value {response = 1 {description = 1, schema = 2
/// {schema = 1}}}}}.
ProtobufWriter responses(std::string_view schema_name) {
  ProtobufWriter item, response, value, all;
  item.message(1, reference(schema_name));
  response.text(1, "OK");
  response.message(2, item);
  value.message(1, response);
  all.message(1, named("200", value));
  return all;
}

ProtobufWriter operation_message(const ResourceType& type, const Operation& operation) {
  bool patch = operation.method == "patch";
  ProtobufWriter result;
  result.text(kId, operation.id);
  result.text(kProduces, "application/json");
  if (patch) {
    for (std::string_view media :
         {"application/json-patch+json", "application/merge-patch+json",
          "application/strategic-merge-patch+json", "application/apply-patch+yaml"}) {
      result.text(kConsumes, media);
    }
  } else {
    result.text(kConsumes, "*/*");
  }
  if (operation.has_body) {
    result.message(kParameters, body_parameter(patch ? std::string(kMeta) + "Patch"
                                                     : std::string(type.schema_name)));
    for (std::string_view name : {"dryRun", "fieldManager", "fieldValidation"}) {
      result.message(kParameters, parameter("query", name, "string"));
    }
  }
  std::string answer = operation.method == "delete" ? std::string(kMeta) + "Status"
                       : operation.answers_list     ? list_schema_name(type)
                                                    : std::string(type.schema_name);
  result.message(kResponses, responses(answer));
  add_extension(result, kOperationExtension, "x-kubernetes-action", json::value(operation.action));
  add_extension(result, kOperationExtension, "x-kubernetes-group-version-kind",
                group_version_kind(type));
  return result;
}

std::uint32_t path_field(std::string_view method) {
  if (method == "get") return kGet;
  if (method == "put") return kPut;
  if (method == "post") return kPost;
  return method == "delete" ? kDelete : kPatch;
}

/// Paths{path = 2 NamedPathItem}.
ProtobufWriter paths_message() {
  std::map<std::string, ProtobufWriter> items;
  for (const ResourceType& type : resources()) {
    for (const Operation& operation : operations_of(type)) {
      auto [item, is_new] = items.try_emplace(operation.path);
      if (is_new) {
        for (std::string_view name : {"name", "namespace"}) {
          if (operation.path.find("{" + std::string(name) + "}") == std::string::npos) continue;
          item->second.message(kPathParameters, parameter("path", name, "string"));
        }
      }
      item->second.message(path_field(operation.method), operation_message(type, operation));
    }
  }
  ProtobufWriter paths;
  for (const auto& [path, item] : items) paths.message(2, named(path, item));
  return paths;
}

json::object definitions() {
  std::map<std::string_view, const ResourceType*> kinds;
  std::vector<const Message*> roots;
  for (std::string_view name : {"Status", "DeleteOptions", "ListMeta"}) {
    roots.push_back(find_message(std::string(kMeta) + std::string(name)));
  }
  for (const ResourceType& type : resources()) {
    kinds[type.schema_name] = &type;
    roots.push_back(find_message(type.schema_name));
  }
  json::object result = special_schemas();
  for (const Message* message : reachable(roots)) {
    auto kind = kinds.find(message->schema_name);
    result[message->schema_name] =
        message_schema(*message, kRefs, kind == kinds.end() ? nullptr : kind->second);
  }
  for (const ResourceType& type : resources())
    result[list_schema_name(type)] = list_schema(type, kRefs);
  result[std::string(kMeta) + "Patch"] =
      json::object{{"type", "object"}, {"description", "A patch of any of the forms."}};
  return result;
}

}  // namespace

std::string openapi_v2_protobuf() {
  ProtobufWriter info, all, document;
  info.text(1, "Kubernetes");
  info.text(2, "v1");
  for (const auto& [name, schema] : definitions())
    all.message(1, named(name, schema_message(object_of(schema))));
  document.text(kSwagger, "2.0");
  document.message(kInfo, info);
  document.message(kPaths, paths_message());
  document.message(kDefinitions, all);
  return document.bytes();
}

}  // namespace fairlead::api
