// The way of a write, the same for every kind; what differs is a row of functions (rules.hpp).
//   create: metadata -> the kind's begin -> defaults -> allocation -> validation
//   update: preconditions -> what the subresource does not own comes from the stored object ->
//   defaults -> what may not change ->
//           allocation -> validation
// The order of allocation and validation is Kubernetes': an address that cannot be had is the only
// complaint then.
#include "controlplane/api/prepare.hpp"

#include <algorithm>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/metadata.hpp"
#include "controlplane/api/rules.hpp"
#include "objects/decode.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostBytes = 1536 << 10;  // as etcd limits a request

struct KindRules {
  std::string_view group;
  std::string_view kind;
  Rules rules;
};

constexpr KindRules kKinds[] = {
    {"",
     "Service",
     {.fill_defaults = default_service,
      .begin_create = begin_service,
      .begin_update = update_service,
      .validate = validate_service,
      .validate_update = validate_service_update,
      .validate_status = validate_service_status,
      .allocate = allocate_service,
      .release = release_service,
      .adopt = adopt_service}},
    {"",
     "Pod",
     {.fill_defaults = default_pod,
      .begin_create = begin_pod,
      .begin_update = update_pod,
      .validate = validate_pod,
      .validate_update = validate_pod_update,
      .validate_status = validate_pod_status}},
    {"",
     "Node",
     {.fill_defaults = default_node,
      .validate = validate_node,
      .validate_update = validate_node_update,
      .validate_status = validate_node,
      .allocate = allocate_node,
      .release = release_node,
      .adopt = adopt_node}},
    {"",
     "Namespace",
     {.fill_defaults = default_namespace,
      .begin_create = begin_namespace,
      .begin_update = update_namespace}},
    {"",
     "ConfigMap",
     {.validate = validate_config_map, .validate_update = validate_config_map_update}},
    {"",
     "Secret",
     {.fill_defaults = default_secret,
      .validate = validate_secret,
      .validate_update = validate_secret_update}},
    {"", "Endpoints", {.fill_defaults = default_endpoints, .validate = validate_endpoints}},
    {"", "Event", {.validate = validate_event}},
    {"events.k8s.io", "Event", {.validate = validate_new_event}},
    {"coordination.k8s.io", "Lease", {.validate = validate_lease}},
    {"discovery.k8s.io",
     "EndpointSlice",
     {.fill_defaults = default_endpoint_slice,
      .validate = validate_endpoint_slice,
      .validate_update = validate_endpoint_slice_update}},
    {"fairlead.io",
     "AddressPool",
     {.fill_defaults = default_address_pool,
      .begin_create = begin_address_pool,
      .validate = validate_address_pool,
      .allocate = allocate_address_pool,
      .release = release_address_pool,
      .adopt = adopt_address_pool}},
    {"fairlead.io",
     "BGPAdvertisement",
     {.fill_defaults = default_bgp_advertisement, .validate = validate_bgp_advertisement}},
    {"fairlead.io", "BGPPeer", {.fill_defaults = default_bgp_peer, .validate = validate_bgp_peer}},
};

std::string_view name_of(const json::object& object) {
  return text_at(object, {"metadata", "name"});
}

ApiResult<void> check_size(const json::object& object) {
  if (json::serialize(object).size() <= kMostBytes) return {};
  return tl::unexpected(
      too_large("Request entity too large: limit is " + std::to_string(kMostBytes)));
}

/// 409 if the request speaks of another state or another object than the stored one.
ApiResult<void> check_state(const ResourceType& type, const json::object& old,
                            const json::object& object) {
  std::string_view wanted = text_at(object, {"metadata", "resourceVersion"});
  std::string_view current = text_at(old, {"metadata", "resourceVersion"});
  if (wanted.empty() && !type.unconditional_update) {
    return tl::unexpected(invalid_object(
        type, name_of(old),
        {invalid_value("metadata.resourceVersion", "", "must be specified for an update")}));
  }
  if (!wanted.empty() && wanted != "0" && wanted != current) {
    return tl::unexpected(conflict(type, name_of(old)));
  }
  std::string_view uid = text_at(object, {"metadata", "uid"});
  std::string_view old_uid = text_at(old, {"metadata", "uid"});
  if (!uid.empty() && uid != old_uid) {
    return tl::unexpected(conflict(type, name_of(old),
                                   "Precondition failed: UID in precondition: " + std::string(uid) +
                                       ", UID in object meta: " + std::string(old_uid)));
  }
  return {};
}

void replace(json::object& object, const json::object& old, std::string_view key) {
  if (const json::value* before = old.if_contains(key)) {
    object[key] = *before;
  } else {
    object.erase(key);
  }
}

/// What the subresource does not own is as it was.
void restrict(const ResourceType& type, const json::object& old, json::object& object,
              std::string_view subresource) {
  if (subresource.empty()) {
    if (type.has_status) replace(object, old, "status");
    return;
  }
  json::object kept = old;
  if (subresource == "status") {
    if (const json::value* status = object.if_contains("status")) kept["status"] = *status;
    // As Kubernetes: labels and annotations may come along, and owner references and finalizers may
    // not.
    for (std::string_view key : {"labels", "annotations"}) {
      replace(ensure_object(kept, "metadata"), object_at(object, {"metadata"}), key);
    }
  } else if (subresource == "finalize") {
    ensure_object(kept, "spec")["finalizers"] = array_at(object, {"spec", "finalizers"});
  }
  object = std::move(kept);
}

bool may_go(const ResourceType& type, const json::object& object) {
  if (text_at(object, {"metadata", "deletionTimestamp"}).empty()) return false;
  bool held = !array_at(object, {"metadata", "finalizers"}).empty();
  bool held_by_spec = type.kind == "Namespace" && !array_at(object, {"spec", "finalizers"}).empty();
  return !held && !held_by_spec;
}

/// Before a status update of an object whose main part is not looked at.
bool is_status(std::string_view subresource) { return subresource == "status"; }

FieldErrors validate_all(const ResourceType& type, const Rules& rules, const json::object& object,
                         std::string_view subresource) {
  FieldErrors errors;
  validate_metadata(type, object, errors);
  if (is_status(subresource)) {
    if (rules.validate_status != nullptr) rules.validate_status(object, errors);
  } else if (rules.validate != nullptr) {
    rules.validate(object, errors);
  }
  return errors;
}

}  // namespace

const Rules& rules_of(const ResourceType& type) {
  static constexpr Rules kNone{};
  auto* found = std::ranges::find_if(kKinds, [&](const KindRules& one) {
    return one.group == type.group && one.kind == type.kind;
  });
  return found == std::end(kKinds) ? kNone : found->rules;
}

ApiResult<Prepared> prepare_create(const ResourceType& type, json::object object,
                                   const WriteContext& context) {
  const Rules& rules = rules_of(type);
  begin_metadata(object, context.now, context.random);
  if (rules.fill_defaults != nullptr) rules.fill_defaults(object);
  if (rules.begin_create != nullptr) rules.begin_create(object);
  Prepared prepared;
  if (rules.allocate != nullptr) {
    auto allocated = rules.allocate(nullptr, object, context, prepared.reservation);
    if (!allocated) return tl::unexpected(std::move(allocated).error());
  }
  FieldErrors errors = validate_all(type, rules, object, "");
  if (!errors.empty()) return tl::unexpected(invalid_object(type, name_of(object), errors));
  if (auto fits = check_size(object); !fits) return tl::unexpected(std::move(fits).error());
  prepared.object = std::move(object);
  return prepared;
}

ApiResult<Prepared> prepare_update(const ResourceType& type, const json::object& old,
                                   json::object object, std::string_view subresource,
                                   const WriteContext& context) {
  const Rules& rules = rules_of(type);
  if (auto state = check_state(type, old, object); !state)
    return tl::unexpected(std::move(state).error());
  carry_metadata(old, object);
  restrict(type, old, object, subresource);
  if (rules.fill_defaults != nullptr) rules.fill_defaults(object);
  if (subresource.empty() && rules.begin_update != nullptr) rules.begin_update(old, object);

  FieldErrors errors;
  validate_metadata_update(old, object, errors);
  if (subresource.empty() && rules.validate_update != nullptr) {
    rules.validate_update(old, object, errors);
  }
  Prepared prepared;
  if (errors.empty() && subresource.empty() && rules.allocate != nullptr) {
    auto allocated = rules.allocate(&old, object, context, prepared.reservation);
    if (!allocated) return tl::unexpected(std::move(allocated).error());
  }
  FieldErrors more = validate_all(type, rules, object, subresource);
  errors.insert(errors.end(), more.begin(), more.end());
  if (!errors.empty()) return tl::unexpected(invalid_object(type, name_of(object), errors));
  if (auto fits = check_size(object); !fits) return tl::unexpected(std::move(fits).error());
  prepared.unchanged = object == old;
  prepared.remove = may_go(type, object);
  prepared.object = std::move(object);
  return prepared;
}

ApiResult<Deletion> prepare_delete(const ResourceType& type, const json::object& old,
                                   const DeleteOptions& options, Time now) {
  auto precondition = [&](std::string_view what, std::string_view wanted, std::string_view is,
                          std::string_view then) -> tl::unexpected<StatusError> {
    StatusError error = conflict(type, name_of(old));
    error.message = "Operation cannot be fulfilled on " + qualified_kind(type) + " " +
                    json::serialize(json::value(name_of(old))) + ": the " + std::string(what) +
                    " in the precondition (" + std::string(wanted) + ") does not match the " +
                    std::string(what) + " in record (" + std::string(is) +
                    "). The object might have been " + std::string(then);
    return tl::unexpected(std::move(error));
  };
  std::string_view uid = text_at(old, {"metadata", "uid"});
  std::string_view version = text_at(old, {"metadata", "resourceVersion"});
  if (options.uid && *options.uid != uid) {
    return precondition("UID", *options.uid, uid, "deleted and then recreated");
  }
  if (options.resource_version && *options.resource_version != version) {
    return precondition("ResourceVersion", *options.resource_version, version, "modified");
  }
  Deletion deletion{.object = old, .remove = true, .unchanged = false};
  bool is_namespace = type.kind == "Namespace";
  bool held = !array_at(old, {"metadata", "finalizers"}).empty() ||
              (is_namespace && !array_at(old, {"spec", "finalizers"}).empty());
  if (!held) return deletion;
  deletion.remove = false;
  deletion.unchanged = !text_at(old, {"metadata", "deletionTimestamp"}).empty();
  if (deletion.unchanged) return deletion;
  json::object& metadata = ensure_object(deletion.object, "metadata");
  metadata["deletionTimestamp"] = format_time(now);
  metadata["deletionGracePeriodSeconds"] = 0;
  if (is_namespace) ensure_object(deletion.object, "status")["phase"] = "Terminating";
  return deletion;
}

void release(const ResourceType& type, const json::object& object, Allocators& allocators) {
  const Rules& rules = rules_of(type);
  if (rules.release != nullptr) rules.release(object, allocators);
}

std::vector<Problem> adopt(const ResourceType& type, const json::object& object,
                           Allocators& allocators) {
  std::vector<Problem> problems;
  const Rules& rules = rules_of(type);
  if (rules.adopt != nullptr) rules.adopt(object, allocators, problems);
  return problems;
}

json::object without_namespace_finalizer(json::object ns) {
  json::object& spec = ensure_object(ns, "spec");
  json::array kept;
  for (const json::value& finalizer : array_at(spec, {"finalizers"})) {
    if (text_of(finalizer) != "kubernetes") kept.push_back(finalizer);
  }
  spec["finalizers"] = std::move(kept);
  return ns;
}

}  // namespace fairlead::api
