// The kinds that the built-in control plane serves. One row each; discovery, OpenAPI, tables and
// storage read this table.
#pragma once

#include <boost/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::api {

struct ResourceType {
  std::string_view group;  // "" is the core group
  std::string_view version;
  std::string_view kind;
  std::string_view list_kind;
  std::string_view plural;
  std::string_view singular;
  std::span<const std::string_view> short_names = {};
  std::span<const std::string_view> categories = {};
  bool namespaced = true;
  bool has_status = false;
  /// Subresources besides "status", with the kind of this type as body ("finalize" of Namespaces).
  std::span<const std::string_view> subresources = {};
  /// PUT without metadata.resourceVersion overwrites whatever is there.
  bool unconditional_update = true;
  /// PUT on a name that does not exist creates it.
  bool create_on_update = false;
  /// Where objects are kept: types with the same name here share their objects (v1 and
  /// events.k8s.io/v1 Events). Stored in the form of the first type in resources() with that name;
  /// see to_stored() and from_stored().
  std::string_view stored_as;
  /// Full schema name of the kind ("io.k8s.api.core.v1.Service").
  std::string_view schema_name;
};

/// All kinds, those of the core group first.
std::span<const ResourceType> resources();

/// By URL parts: ("", "v1", "services"). nullptr if not served.
const ResourceType* find_resource(std::string_view group, std::string_view version,
                                  std::string_view plural);
/// By kind: ("discovery.k8s.io", "v1", "EndpointSlice"). nullptr if not served.
const ResourceType* find_kind(std::string_view group, std::string_view version,
                              std::string_view kind);

/// "v1" or "discovery.k8s.io/v1".
std::string api_version(const ResourceType& type);
/// "services" or "endpointslices.discovery.k8s.io": how messages name the resource.
std::string qualified_resource(const ResourceType& type);
/// "Service" or "EndpointSlice.discovery.k8s.io": how messages name the kind.
std::string qualified_kind(const ResourceType& type);

/// The object as kept in storage, and back as `type` shows it. The identity for all types but
/// Events.
boost::json::object to_stored(const ResourceType& type, boost::json::object object);
boost::json::object from_stored(const ResourceType& type, boost::json::object object);

}  // namespace fairlead::api
