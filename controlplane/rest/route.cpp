// Path -> segments (decoded one by one: "%2F" is not a separator) -> group and version ->
// namespace, resource, name, subresource.
#include "controlplane/rest/route.hpp"

#include <algorithm>
#include <vector>

#include "http/query.hpp"

namespace fairlead::rest {
namespace {

using Segments = std::span<const std::string>;

constexpr ReviewType kReviewTypes[] = {
    {"authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews"},
    {"authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews"},
    {"authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews"},
};

Result<std::vector<std::string>> split(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) {
      TRY(std::string segment, http::percent_decode(path.substr(0, end), false));
      segments.push_back(std::move(segment));
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

bool is_served(std::string_view group, std::string_view version) {
  const auto same = [&](const auto& type) {
    return type.group == group && (version.empty() || type.version == version);
  };
  return std::ranges::any_of(api::resources(), same) || std::ranges::any_of(review_types(), same);
}

bool has_subresource(const api::ResourceType& type, std::string_view name) {
  if (name == "status") return type.has_status;
  return std::ranges::find(type.subresources, name) != type.subresources.end();
}

/// `rest` is what follows the group version: [namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE]].
void parse_resource(Route& route, Segments rest) {
  route.place = Place::kUnknownResource;
  // "namespaces/x/status" is a subresource of the Namespace, "namespaces/x/services" is a
  // collection in it.
  const api::ResourceType* namespaces = api::find_resource("", "v1", "namespaces");
  if (rest.size() >= 3 && rest[0] == "namespaces" && !has_subresource(*namespaces, rest[2])) {
    route.ns = rest[1];
    rest = rest.subspan(2);
  }
  if (rest.size() > 3) return;
  route.type = api::find_resource(route.group, route.version, rest[0]);
  if (route.type == nullptr) {
    const bool is_review = std::ranges::any_of(review_types(), [&](const ReviewType& type) {
      return type.group == route.group && type.version == route.version && type.plural == rest[0];
    });
    if (!is_review || rest.size() != 1) return;
    route.place = Place::kReview;
    route.name = rest[0];
    return;
  }
  if (!route.type->namespaced && !route.ns.empty()) return;
  if (rest.size() == 3 && !has_subresource(*route.type, rest[2])) return;
  if (rest.size() > 1 && route.type->namespaced && route.ns.empty()) return;
  if (rest.size() > 1) route.name = rest[1];
  if (rest.size() > 2) route.subresource = rest[2];
  route.place = rest.size() > 1 ? Place::kObject : Place::kCollection;
}

void parse_groups(Route& route, Segments segments) {
  if (segments.size() == 1) {
    route.place = Place::kGroups;
    return;
  }
  route.group = segments[1];
  if (!is_served(route.group, "")) return;
  if (segments.size() == 2) {
    route.place = Place::kGroup;
    return;
  }
  route.version = segments[2];
  if (!is_served(route.group, route.version)) return;
  if (segments.size() == 3) {
    route.place = Place::kGroupVersion;
  } else {
    parse_resource(route, segments.subspan(3));
  }
}

}  // namespace

std::span<const ReviewType> review_types() { return kReviewTypes; }

Result<Route> parse_route(std::string_view raw_path) {
  TRY(const std::vector<std::string> segments, split(raw_path));
  Route route;
  for (const std::string& segment : segments) route.path.append("/").append(segment);
  if (segments.empty()) {
    route.path = "/";
    route.place = Place::kOther;
  } else if (segments[0] == "apis") {
    parse_groups(route, segments);
  } else if (segments[0] == "api") {
    route.version = segments.size() > 1 ? segments[1] : "";
    if (segments.size() == 1) {
      route.place = Place::kCoreVersions;
    } else if (route.version == "v1" && segments.size() == 2) {
      route.place = Place::kGroupVersion;
    } else if (route.version == "v1") {
      parse_resource(route, Segments(segments).subspan(2));
    }
  } else {
    route.place = Place::kOther;
  }
  return route;
}

}  // namespace fairlead::rest
