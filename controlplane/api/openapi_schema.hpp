// What the OpenAPI documents of both versions are made of: JSON schemas of messages, and the
// operations of each kind.
#pragma once

#include <boost/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/resource.hpp"
#include "controlplane/api/schema.hpp"

namespace fairlead::api {

/// The JSON schema of a message. `ref_prefix`: "#/components/schemas/" (v3) or "#/definitions/"
/// (v2). `type`: the kind's group, version and kind, or nullptr for a message that is no kind
/// served.
boost::json::object message_schema(const Message& message, std::string_view ref_prefix,
                                   const ResourceType* type);
/// The schema of a kind's list.
boost::json::object list_schema(const ResourceType& type, std::string_view ref_prefix);
/// Full name of a kind's list ("io.k8s.api.core.v1.ServiceList").
std::string list_schema_name(const ResourceType& type);

/// Names of the special types that other schemas refer to, with their schemas.
boost::json::object special_schemas();

/// All messages that `roots` lead to, themselves included.
std::set<const Message*> reachable(std::span<const Message* const> roots);

/// One HTTP operation on a kind.
struct Operation {
  std::string path;
  std::string method;  // "get", "post", …
  std::string action;  // x-kubernetes-action
  std::string id;      // operationId
  bool has_body = false;
  bool answers_list = false;
};
std::vector<Operation> operations_of(const ResourceType& type);

boost::json::object group_version_kind(const ResourceType& type);

}  // namespace fairlead::api
