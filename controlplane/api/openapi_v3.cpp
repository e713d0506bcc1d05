// The OpenAPI v3 documents, one a group version: schemas of its kinds and of all that they refer
// to, and the operations. kubectl reads of the operations only that PATCH takes fieldValidation and
// fieldManager; of the schemas, what apply merges by and explain prints.
#include <cstdint>
#include <map>

#include "controlplane/api/openapi.hpp"
#include "controlplane/api/openapi_schema.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kRefs = "#/components/schemas/";
constexpr std::string_view kStatus = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
constexpr std::string_view kDeleteOptions = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
constexpr std::string_view kListMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// "api/v1" or "apis/discovery.k8s.io/v1".
std::string document_key(const ResourceType& type) {
  return (type.group.empty() ? "api/" : "apis/") + api_version(type);
}

json::object reference(std::string_view name) {
  return {{"$ref", std::string(kRefs) + std::string(name)}};
}

json::object content(std::initializer_list<std::string_view> media_types,
                     const json::object& schema) {
  json::object result;
  for (std::string_view media_type : media_types)
    result[media_type] = json::object{{"schema", schema}};
  return result;
}

json::object parameter(std::string_view name, std::string_view in, std::string_view json_type,
                       std::string_view description) {
  json::object result{{"name", name},
                      {"in", in},
                      {"description", description},
                      {"schema", json::object{{"type", json_type}, {"uniqueItems", true}}}};
  if (in == "path") result["required"] = true;
  return result;
}

json::array query_parameters(const Operation& operation) {
  json::array result;
  if (operation.has_body) {
    result.push_back(parameter("dryRun", "query", "string", "All: check, and keep nothing."));
    result.push_back(parameter("fieldManager", "query", "string", "Who makes the change."));
    result.push_back(
        parameter("fieldValidation", "query", "string",
                  "What becomes of unknown and duplicate fields: Ignore, Warn or Strict."));
  }
  if (operation.method == "patch") {
    result.push_back(
        parameter("force", "query", "boolean", "Take fields over from other managers."));
  }
  if (operation.answers_list) {
    for (std::string_view name : {"labelSelector", "fieldSelector", "continue", "resourceVersion",
                                  "resourceVersionMatch"}) {
      result.push_back(parameter(name, "query", "string", "Narrows or pages the list."));
    }
    for (std::string_view name : {"limit", "timeoutSeconds"}) {
      result.push_back(parameter(name, "query", "integer", "Bounds the answer."));
    }
    for (std::string_view name : {"watch", "allowWatchBookmarks", "sendInitialEvents"}) {
      result.push_back(parameter(name, "query", "boolean", "Follow changes."));
    }
  }
  return result;
}

json::object request_body(const ResourceType& type, const Operation& operation) {
  if (operation.method != "patch") {
    return {{"required", true}, {"content", content({"*/*"}, reference(type.schema_name))}};
  }
  return {{"required", true},
          {"content",
           content({"application/apply-patch+yaml", "application/json-patch+json",
                    "application/merge-patch+json", "application/strategic-merge-patch+json"},
                   {{"type", "object"}})}};
}

json::object operation_object(const ResourceType& type, const Operation& operation) {
  bool answers_status = operation.method == "delete";
  std::string answer = answers_status           ? std::string(kStatus)
                       : operation.answers_list ? list_schema_name(type)
                                                : std::string(type.schema_name);
  json::object responses{
      {"200", json::object{{"description", "OK"},
                           {"content", content({"application/json"}, reference(answer))}}}};
  if (operation.method == "post") {
    responses["201"] = json::object{{"description", "Created"},
                                    {"content", content({"application/json"}, reference(answer))}};
  }
  json::object result{{"operationId", operation.id},
                      {"parameters", query_parameters(operation)},
                      {"responses", std::move(responses)},
                      {"x-kubernetes-action", operation.action},
                      {"x-kubernetes-group-version-kind", group_version_kind(type)}};
  if (operation.has_body) result["requestBody"] = request_body(type, operation);
  if (operation.method == "delete") {
    result["requestBody"] = json::object{{"content", content({"*/*"}, reference(kDeleteOptions))}};
  }
  return result;
}

void add_paths(const ResourceType& type, json::object& paths) {
  for (const Operation& operation : operations_of(type)) {
    json::value& item = paths[operation.path];
    if (!item.is_object()) {
      json::array parameters;
      if (operation.path.find("{name}") != std::string::npos) {
        parameters.push_back(parameter("name", "path", "string", "Name of the object."));
      }
      if (operation.path.find("{namespace}") != std::string::npos) {
        parameters.push_back(parameter("namespace", "path", "string", "Namespace of the object."));
      }
      item = json::object{{"parameters", std::move(parameters)}};
    }
    item.get_object()[operation.method] = operation_object(type, operation);
  }
}

json::object schemas_of(const std::vector<const ResourceType*>& types) {
  std::map<std::string_view, const ResourceType*> kinds;
  std::vector<const Message*> roots{find_message(kStatus), find_message(kDeleteOptions),
                                    find_message(kListMeta)};
  for (const ResourceType* type : types) {
    kinds[type->schema_name] = type;
    roots.push_back(find_message(type->schema_name));
  }
  json::object schemas = special_schemas();
  for (const Message* message : reachable(roots)) {
    auto kind = kinds.find(message->schema_name);
    schemas[message->schema_name] =
        message_schema(*message, kRefs, kind == kinds.end() ? nullptr : kind->second);
  }
  for (const ResourceType* type : types)
    schemas[list_schema_name(*type)] = list_schema(*type, kRefs);
  return schemas;
}

/// FNV-1a: the same bytes give the same name, which is all that a cache needs.
std::string hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (int shift = 60; shift >= 0; shift -= 4) result.push_back(kDigits[hash >> shift & 15]);
  return result;
}

}  // namespace

std::optional<std::string> openapi_v3(std::string_view group_version) {
  std::vector<const ResourceType*> types;
  for (const ResourceType& type : resources()) {
    if (document_key(type) == group_version) types.push_back(&type);
  }
  if (types.empty()) return std::nullopt;
  json::object paths;
  for (const ResourceType* type : types) add_paths(*type, paths);
  json::object document{{"openapi", "3.0.0"},
                        {"info", json::object{{"title", "Kubernetes"}, {"version", "v1"}}},
                        {"paths", std::move(paths)},
                        {"components", json::object{{"schemas", schemas_of(types)}}}};
  return json::serialize(document);
}

std::string openapi_v3_index() {
  json::object paths;
  for (const ResourceType& type : resources()) {
    std::string key = document_key(type);
    if (paths.contains(key)) continue;
    std::string url = "/openapi/v3/" + key + "?hash=" + hash_of(*openapi_v3(key));
    paths[key] = json::object{{"serverRelativeURL", std::move(url)}};
  }
  return json::serialize(json::object{{"paths", std::move(paths)}});
}

}  // namespace fairlead::api
