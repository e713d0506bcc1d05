// What each kind adds to the way of a write: a row of functions, one row a kind. prepare.cpp calls
// them in order.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "controlplane/api/allocators.hpp"
#include "controlplane/api/prepare.hpp"
#include "controlplane/api/resource.hpp"
#include "controlplane/api/status.hpp"

namespace fairlead::api {

struct Rules {
  /// Fills what the client left out. Idempotent; runs on creates and updates.
  void (*fill_defaults)(boost::json::object&) = nullptr;
  /// The kind's part of a create before allocation: drops or sets status and the like.
  void (*begin_create)(boost::json::object&) = nullptr;
  /// The kind's part of an update of the main resource.
  void (*begin_update)(const boost::json::object& old, boost::json::object&) = nullptr;
  void (*validate)(const boost::json::object&, FieldErrors&) = nullptr;
  void (*validate_update)(const boost::json::object& old, const boost::json::object&,
                          FieldErrors&) = nullptr;
  void (*validate_status)(const boost::json::object&, FieldErrors&) = nullptr;
  /// Takes what the new object needs; `old` is nullptr for a create.
  ApiResult<void> (*allocate)(const boost::json::object* old, boost::json::object&,
                              const WriteContext&, Reservation&) = nullptr;
  void (*release)(const boost::json::object&, Allocators&) = nullptr;
  void (*adopt)(const boost::json::object&, Allocators&, std::vector<Problem>&) = nullptr;
};

const Rules& rules_of(const ResourceType& type);

// service_defaults.cpp, service_validation.cpp, service_families.cpp, service_allocation.cpp
void default_service(boost::json::object& service);
void begin_service(boost::json::object& service);
void update_service(const boost::json::object& old, boost::json::object& service);
void validate_service(const boost::json::object& service, FieldErrors& errors);
void validate_service_update(const boost::json::object& old, const boost::json::object& service,
                             FieldErrors& errors);
void validate_service_status(const boost::json::object& service, FieldErrors& errors);
void validate_cluster_ips(const boost::json::object& service, FieldErrors& errors);
ApiResult<void> allocate_service(const boost::json::object* old, boost::json::object& service,
                                 const WriteContext& context, Reservation& reservation);
void release_service(const boost::json::object& service, Allocators& allocators);
void adopt_service(const boost::json::object& service, Allocators& allocators,
                   std::vector<Problem>& problems);
/// Decides spec.ipFamilies and spec.ipFamilyPolicy.
ApiResult<void> decide_families(const boost::json::object* old, boost::json::object& service,
                                const Allocators& allocators);
bool needs_cluster_ip(const boost::json::object& service);
bool needs_node_ports(const boost::json::object& service);
bool needs_health_check_port(const boost::json::object& service);
bool is_externally_accessible(const boost::json::object& service);
bool is_headless(const boost::json::object& service);

// endpoint_rules.cpp
void default_endpoint_slice(boost::json::object& slice);
void validate_endpoint_slice(const boost::json::object& slice, FieldErrors& errors);
void validate_endpoint_slice_update(const boost::json::object& old,
                                    const boost::json::object& slice, FieldErrors& errors);
void default_endpoints(boost::json::object& endpoints);
void validate_endpoints(const boost::json::object& endpoints, FieldErrors& errors);

// pod_defaults.cpp, pod_validation.cpp
void default_pod(boost::json::object& pod);
void begin_pod(boost::json::object& pod);
void update_pod(const boost::json::object& old, boost::json::object& pod);
void validate_pod(const boost::json::object& pod, FieldErrors& errors);
void validate_pod_update(const boost::json::object& old, const boost::json::object& pod,
                         FieldErrors& errors);
void validate_pod_status(const boost::json::object& pod, FieldErrors& errors);

// node_rules.cpp
void default_node(boost::json::object& node);
void validate_node(const boost::json::object& node, FieldErrors& errors);
void validate_node_update(const boost::json::object& old, const boost::json::object& node,
                          FieldErrors& errors);
ApiResult<void> allocate_node(const boost::json::object* old, boost::json::object& node,
                              const WriteContext& context, Reservation& reservation);
void release_node(const boost::json::object& node, Allocators& allocators);
void adopt_node(const boost::json::object& node, Allocators& allocators,
                std::vector<Problem>& problems);

// address_pool_rules.cpp
void default_address_pool(boost::json::object& pool);
void begin_address_pool(boost::json::object& pool);
void validate_address_pool(const boost::json::object& pool, FieldErrors& errors);
ApiResult<void> allocate_address_pool(const boost::json::object* old, boost::json::object& pool,
                                      const WriteContext& context, Reservation& reservation);
void release_address_pool(const boost::json::object& pool, Allocators& allocators);
void adopt_address_pool(const boost::json::object& pool, Allocators& allocators,
                        std::vector<Problem>& problems);

// bgp_rules.cpp
void default_bgp_peer(boost::json::object& peer);
void validate_bgp_peer(const boost::json::object& peer, FieldErrors& errors);
void default_bgp_advertisement(boost::json::object& advertisement);
void validate_bgp_advertisement(const boost::json::object& advertisement, FieldErrors& errors);

// secret_rules.cpp
void default_secret(boost::json::object& secret);
void validate_secret(const boost::json::object& secret, FieldErrors& errors);
void validate_secret_update(const boost::json::object& old, const boost::json::object& secret,
                            FieldErrors& errors);

// object_rules.cpp
void default_namespace(boost::json::object& ns);
void begin_namespace(boost::json::object& ns);
void update_namespace(const boost::json::object& old, boost::json::object& ns);
void validate_config_map(const boost::json::object& map, FieldErrors& errors);
void validate_config_map_update(const boost::json::object& old, const boost::json::object& map,
                                FieldErrors& errors);
void validate_lease(const boost::json::object& lease, FieldErrors& errors);
void validate_event(const boost::json::object& event, FieldErrors& errors);
void validate_new_event(const boost::json::object& event, FieldErrors& errors);

}  // namespace fairlead::api
