// A request's path -> what it asks for.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "controlplane/api/resource.hpp"
#include "model/result.hpp"

namespace fairlead::rest {

enum class Place {
  kUnknown,          // no such path
  kUnknownResource,  // a group version of ours, but not a resource of it
  kObject,           // …/services/web[/status]
  kCollection,       // …/services
  kReview,           // selfsubjectaccessreviews and their like: `name` is the resource
  kCoreVersions,     // /api
  kGroups,           // /apis
  kGroup,            // /apis/G
  kGroupVersion,     // /api/v1, /apis/G/V
  kOther,            // /version, /readyz, /openapi/…: `path` says which
};

struct Route {
  Place place = Place::kUnknown;
  std::string path = {};  // decoded, without a trailing slash
  std::string group = {};
  std::string version = {};
  const api::ResourceType* type = nullptr;
  std::string ns = {};
  std::string name = {};
  std::string subresource = {};
};

/// Errors: a broken escape.
Result<Route> parse_route(std::string_view raw_path);

/// Groups that only answer questions and keep nothing.
struct ReviewType {
  std::string_view group, version, kind, plural;
};
std::span<const ReviewType> review_types();

}  // namespace fairlead::rest
