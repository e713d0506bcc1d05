// The body is answered with its status filled in; nothing is kept.
#include "controlplane/rest/reviews.hpp"

#include <algorithm>

#include "controlplane/api/decode.hpp"
#include "controlplane/rest/answer.hpp"

namespace fairlead::rest {
namespace {

namespace json = boost::json;

std::string text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

json::object access_status(const json::object& review, const Identity& identity) {
  Action action;
  const json::object* spec = object_in(review, "spec");
  const json::object* resource = spec == nullptr ? nullptr : object_in(*spec, "resourceAttributes");
  const json::object* path = spec == nullptr ? nullptr : object_in(*spec, "nonResourceAttributes");
  if (resource != nullptr) {
    action = {.verb = text_in(*resource, "verb"),
              .group = text_in(*resource, "group"),
              .resource = text_in(*resource, "resource"),
              .subresource = text_in(*resource, "subresource"),
              .ns = text_in(*resource, "namespace"),
              .name = text_in(*resource, "name"),
              .path = {}};
  } else if (path != nullptr) {
    action.verb = text_in(*path, "verb");
    action.path = text_in(*path, "path");
  }
  return {{"allowed", is_allowed(identity, action)}};
}

json::object rules_status(const Identity& identity) {
  json::array rules;
  if (identity.is_in(kAdminGroup)) {
    rules.push_back({{"verbs", {"*"}}, {"apiGroups", {"*"}}, {"resources", {"*"}}});
  } else if (identity.is_in(kNodesGroup)) {
    rules.push_back(
        {{"verbs", {"get", "list", "watch"}}, {"apiGroups", {"*"}}, {"resources", {"*"}}});
    for (const NodeWrite& write : node_writes()) {
      std::string resource(write.resource);
      if (!write.subresource.empty()) resource.append("/").append(write.subresource);
      rules.push_back({{"verbs", {"create", "update", "patch", "delete"}},
                       {"apiGroups", {write.group}},
                       {"resources", {resource}}});
    }
  }
  return {{"resourceRules", std::move(rules)},
          {"nonResourceRules", json::array{{{"verbs", {"*"}}, {"nonResourceURLs", {"*"}}}}},
          {"incomplete", false}};
}

json::object self_status(const Identity& identity) {
  return {{"userInfo",
           {{"username", identity.user},
            {"groups", json::array(identity.groups.begin(), identity.groups.end())}}}};
}

}  // namespace

http::Response answer_review(const http::Request& request, const Route& route,
                             const Identity& identity) {
  const auto type = std::ranges::find(review_types(), route.name, &ReviewType::plural);
  auto review = api::decode_review(type->kind, request.header("Content-Type"), request.body);
  if (!review) return refusal(review.error());
  (*review)["kind"] = type->kind;
  (*review)["apiVersion"] = std::string(type->group) + "/" + std::string(type->version);
  if (!review->contains("metadata")) (*review)["metadata"] = json::object{};
  if (type->kind == "SelfSubjectReview") {
    (*review)["status"] = self_status(identity);
  } else if (type->kind == "SelfSubjectRulesReview") {
    (*review)["status"] = rules_status(identity);
  } else {
    (*review)["status"] = access_status(*review, identity);
  }
  return json_answer(201, *review);
}

}  // namespace fairlead::rest
