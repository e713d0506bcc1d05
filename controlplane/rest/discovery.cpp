// Everything here is made from api::resources() and the list of reviews, each time it is asked for:
// it is small.
#include "controlplane/rest/discovery.hpp"

#include <map>
#include <string>
#include <vector>

#include "controlplane/api/resource.hpp"
#include "controlplane/rest/route.hpp"

namespace fairlead::rest {
namespace {

namespace json = boost::json;

constexpr std::string_view kVerbs[] = {"create", "delete", "deletecollection", "get",
                                       "list",   "patch",  "update",           "watch"};
constexpr std::string_view kSubresourceVerbs[] = {"get", "patch", "update"};

template <class Range>
json::array texts(const Range& range) {
  json::array array;
  for (std::string_view text : range) array.emplace_back(text);
  return array;
}

std::vector<std::string_view> subresources_of(const api::ResourceType& type) {
  std::vector<std::string_view> names(type.subresources.begin(), type.subresources.end());
  if (type.has_status) names.emplace_back("status");
  return names;
}

/// Versions of each group, "" left out.
std::map<std::string, std::string, std::less<>> groups() {
  std::map<std::string, std::string, std::less<>> found;
  for (const api::ResourceType& type : api::resources()) {
    if (!type.group.empty()) found.emplace(type.group, type.version);
  }
  for (const ReviewType& type : review_types()) found.emplace(type.group, type.version);
  return found;
}

json::object group_entry(std::string_view name, std::string_view version) {
  const json::object entry{{"groupVersion", std::string(name) + "/" + std::string(version)},
                           {"version", version}};
  return {{"name", name}, {"versions", json::array{entry}}, {"preferredVersion", entry}};
}

json::array legacy_resources(const api::ResourceType& type) {
  json::object main{{"name", type.plural},
                    {"singularName", type.singular},
                    {"namespaced", type.namespaced},
                    {"kind", type.kind},
                    {"verbs", texts(kVerbs)}};
  if (!type.short_names.empty()) main["shortNames"] = texts(type.short_names);
  if (!type.categories.empty()) main["categories"] = texts(type.categories);
  json::array entries{std::move(main)};
  for (std::string_view name : subresources_of(type)) {
    entries.push_back({{"name", std::string(type.plural) + "/" + std::string(name)},
                       {"singularName", ""},
                       {"namespaced", type.namespaced},
                       {"kind", type.kind},
                       {"verbs", texts(kSubresourceVerbs)}});
  }
  return entries;
}

json::object response_kind(std::string_view group, std::string_view version,
                           std::string_view kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

json::object aggregated_resource(const api::ResourceType& type) {
  json::array subresources;
  for (std::string_view name : subresources_of(type)) {
    subresources.push_back({{"subresource", name},
                            {"responseKind", response_kind(type.group, type.version, type.kind)},
                            {"verbs", texts(kSubresourceVerbs)}});
  }
  json::object entry{{"resource", type.plural},
                     {"responseKind", response_kind(type.group, type.version, type.kind)},
                     {"scope", type.namespaced ? "Namespaced" : "Cluster"},
                     {"singularResource", type.singular},
                     {"verbs", texts(kVerbs)}};
  if (!type.short_names.empty()) entry["shortNames"] = texts(type.short_names);
  if (!type.categories.empty()) entry["categories"] = texts(type.categories);
  if (!subresources.empty()) entry["subresources"] = std::move(subresources);
  return entry;
}

std::string singular_of(const ReviewType& review) {
  return std::string(review.plural.substr(0, review.plural.size() - 1));
}

json::object aggregated_group(std::string_view group, std::string_view version) {
  json::array resources;
  for (const api::ResourceType& type : api::resources()) {
    if (type.group == group) resources.push_back(aggregated_resource(type));
  }
  for (const ReviewType& review : review_types()) {
    if (review.group != group) continue;
    resources.push_back({{"resource", review.plural},
                         {"responseKind", response_kind(group, version, review.kind)},
                         {"scope", "Cluster"},
                         {"singularResource", singular_of(review)},
                         {"verbs", json::array{"create"}}});
  }
  json::object metadata;
  if (!group.empty()) metadata["name"] = group;
  return {{"metadata", std::move(metadata)},
          {"versions", json::array{{{"version", version},
                                    {"freshness", "Current"},
                                    {"resources", std::move(resources)}}}}};
}

}  // namespace

json::object core_versions(std::string_view server_address) {
  return {{"kind", "APIVersions"},
          {"versions", json::array{"v1"}},
          {"serverAddressByClientCIDRs",
           json::array{{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", server_address}}}}};
}

json::object group_list() {
  json::array entries;
  for (const auto& [name, version] : groups()) entries.push_back(group_entry(name, version));
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(entries)}};
}

json::object group(std::string_view name) {
  json::object entry = group_entry(name, groups().find(name)->second);
  entry["kind"] = "APIGroup";
  entry["apiVersion"] = "v1";
  return entry;
}

json::object resource_list(std::string_view group, std::string_view version) {
  json::array entries;
  for (const api::ResourceType& type : api::resources()) {
    if (type.group != group) continue;
    for (json::value& entry : legacy_resources(type)) entries.push_back(std::move(entry));
  }
  for (const ReviewType& review : review_types()) {
    if (review.group != group) continue;
    entries.push_back({{"name", review.plural},
                       {"singularName", singular_of(review)},
                       {"namespaced", false},
                       {"kind", review.kind},
                       {"verbs", json::array{"create"}}});
  }
  std::string group_version(group);
  group_version.append(group.empty() ? "" : "/").append(version);
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group_version},
          {"resources", std::move(entries)}};
}

json::object aggregated(bool core, std::string_view version) {
  json::array items;
  if (core) items.push_back(aggregated_group("", "v1"));
  if (!core) {
    for (const auto& [name, its_version] : groups()) {
      items.push_back(aggregated_group(name, its_version));
    }
  }
  return {{"kind", "APIGroupDiscoveryList"},
          {"apiVersion", "apidiscovery.k8s.io/" + std::string(version)},
          {"metadata", json::object{}},
          {"items", std::move(items)}};
}

}  // namespace fairlead::rest
