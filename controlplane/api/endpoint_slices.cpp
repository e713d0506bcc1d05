// Service + Pods -> the endpoints that should be there, grouped by family and by the ports that
// they resolve to (a named target port may mean another number in each Pod) -> compared with the
// slices that are there -> the least writes.
//
// Within a group: endpoints that are still wanted stay in their slice; new ones go first into
// slices that are written anyway, then into the fullest that has room, then into new slices. A
// slice that would be removed lends its name to one that would be made.
#include "controlplane/api/endpoint_slices.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/metadata.hpp"
#include "controlplane/api/slice_endpoints.hpp"
#include "objects/decode.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kServiceLabel = "kubernetes.io/service-name";
constexpr std::string_view kManagedLabel = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";
constexpr std::string_view kTriggerAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

/// One slice on its way from what it is to what it should be.
struct Draft {
  const json::object* existing = nullptr;  // nullptr: to be made
  json::array endpoints;
  bool changed = false;

  [[nodiscard]] std::size_t room() const {
    return kMaxEndpointsPerSlice - std::min(endpoints.size(), kMaxEndpointsPerSlice);
  }
};

json::object labels_for(const json::object& service) {
  json::object labels;
  for (const auto& [key, value] : object_at(service, {"metadata", "labels"})) {
    if (key != kServiceLabel && key != kManagedLabel && key != kHeadlessLabel) labels[key] = value;
  }
  labels[kServiceLabel] = json::value(text_at(service, {"metadata", "name"}));
  labels[kManagedLabel] = json::value(kSliceManager);
  if (text_at(service, {"spec", "clusterIP"}) == "None") labels[kHeadlessLabel] = "";
  return labels;
}

json::array owners_for(const json::object& service) {
  return {json::object{{"apiVersion", "v1"},
                       {"kind", "Service"},
                       {"name", json::value(text_at(service, {"metadata", "name"}))},
                       {"uid", json::value(text_at(service, {"metadata", "uid"}))},
                       {"controller", true},
                       {"blockOwnerDeletion", true}}};
}

/// All that one address family of a Service needs.
class FamilyReconciler {
 public:
  FamilyReconciler(const SliceInputs& inputs, std::string_view address_type)
      : service_(*inputs.service),
        address_type_(address_type),
        groups_(group_endpoints(inputs, address_type)) {
    for (const json::object* slice : inputs.slices) {
      if (text_at(*slice, {"addressType"}) != address_type) continue;
      std::string key = ports_key(array_at(*slice, {"ports"}));
      (groups_.contains(key) ? ours_[key] : surplus_).push_back(slice);
    }
  }

  /// Fills drafts: those to write, those to remove.
  void reconcile() {
    for (auto& [key, group] : groups_) reconcile_group(group, ours_[key]);
    drop_empty();
    // A Service with a selector always has a slice, be it without ports and endpoints.
    if (drafts_.empty()) drafts_.push_back({json::array{}, Draft{nullptr, {}, true}});
    reuse_names();
  }

  std::vector<std::pair<json::array, Draft>> drafts_;  // ports, draft
  std::vector<const json::object*> surplus_;           // to remove

 private:
  void reconcile_group(SliceGroup& group, const std::vector<const json::object*>& slices) {
    std::vector<Draft> drafts;
    for (const json::object* slice : slices) drafts.push_back(keep_wanted(*slice, group));
    std::vector<json::value> added;
    for (const std::string& id : group.order) {
      auto found = group.endpoints.find(id);
      if (found != group.endpoints.end()) added.push_back(std::move(found->second));
    }
    fill(drafts, added);
    for (Draft& draft : drafts) drafts_.emplace_back(group.ports, std::move(draft));
  }

  /// The endpoints of a slice that are still wanted, as they are wanted now. Takes them out of the
  /// group.
  Draft keep_wanted(const json::object& slice, SliceGroup& group) const {
    Draft draft{&slice, {}, false};
    for (const json::value& endpoint : array_at(slice, {"endpoints"})) {
      auto wanted = group.endpoints.find(endpoint_id(object_of(endpoint)));
      if (wanted == group.endpoints.end()) {
        draft.changed = true;
        continue;
      }
      draft.changed |= wanted->second != endpoint;
      draft.endpoints.push_back(std::move(wanted->second));
      group.endpoints.erase(wanted);
    }
    draft.changed |= has_other_metadata(slice);
    return draft;
  }

  static void fill(std::vector<Draft>& drafts, std::vector<json::value>& added) {
    auto next = added.begin();
    auto pour = [&](Draft& draft) {
      while (next != added.end() && draft.room() > 0) {
        draft.endpoints.push_back(std::move(*next++));
        draft.changed = true;
      }
    };
    for (Draft& draft : drafts) {
      if (draft.changed) pour(draft);
    }
    std::vector<Draft*> rest;
    for (Draft& draft : drafts) {
      if (!draft.changed) rest.push_back(&draft);
    }
    std::ranges::stable_sort(rest, {}, &Draft::room);
    for (Draft* draft : rest) pour(*draft);
    while (next != added.end()) {
      drafts.push_back(Draft{nullptr, {}, true});
      pour(drafts.back());
    }
  }

  void drop_empty() {
    std::erase_if(drafts_, [&](const auto& entry) {
      const Draft& draft = entry.second;
      if (draft.endpoints.empty() && draft.existing != nullptr) surplus_.push_back(draft.existing);
      return draft.endpoints.empty();
    });
  }

  void reuse_names() {
    for (auto& [ports, draft] : drafts_) {
      if (draft.existing != nullptr || surplus_.empty()) continue;
      draft.existing = surplus_.back();
      surplus_.pop_back();
      draft.changed = array_at(*draft.existing, {"ports"}) != ports ||
                      array_at(*draft.existing, {"endpoints"}) != draft.endpoints ||
                      has_other_metadata(*draft.existing);
    }
  }

  [[nodiscard]] bool has_other_metadata(const json::object& slice) const {
    return object_at(slice, {"metadata", "labels"}) != labels_for(service_) ||
           array_at(slice, {"metadata", "ownerReferences"}) != owners_for(service_);
  }

  const json::object& service_;
  std::string_view address_type_;
  std::map<std::string, SliceGroup> groups_;
  std::map<std::string, std::vector<const json::object*>> ours_;
};

bool is_ours(const json::object& slice) {
  return text_at(slice, {"metadata", "labels", kManagedLabel}) == kSliceManager &&
         text_at(slice, {"metadata", "deletionTimestamp"}).empty();
}

/// A slice as it is to be written.
json::object write_slice(const json::object& service, std::string_view address_type,
                         const json::array& ports, Draft draft, Time now, std::mt19937_64& random) {
  json::object slice;
  if (draft.existing != nullptr) {
    slice = *draft.existing;
  } else {
    std::string base = std::string(text_at(service, {"metadata", "name"})) + "-";
    slice = {{"apiVersion", "discovery.k8s.io/v1"}, {"kind", "EndpointSlice"}};
    slice["metadata"] =
        json::object{{"name", json::value(generate_name(base, random))},
                     {"generateName", json::value(base)},
                     {"namespace", json::value(text_at(service, {"metadata", "namespace"}))}};
  }
  json::object& metadata = ensure_object(slice, "metadata");
  metadata["labels"] = labels_for(service);
  metadata["ownerReferences"] = owners_for(service);
  ensure_object(metadata, "annotations")[kTriggerAnnotation] = format_micro_time(now);
  slice["addressType"] = json::value(address_type);
  slice["endpoints"] = std::move(draft.endpoints);
  slice["ports"] = ports;
  return slice;
}

std::vector<std::string_view> address_types(const json::object& service) {
  std::vector<std::string_view> types;
  for (const json::value& family : array_at(service, {"spec", "ipFamilies"}))
    types.push_back(text_of(family));
  if (types.empty()) types.emplace_back("IPv4");
  return types;
}

bool wants_slices(const json::object* service) {
  return service != nullptr && text_at(*service, {"spec", "type"}) != "ExternalName" &&
         !object_at(*service, {"spec", "selector"}).empty();
}

void remove(const json::object& slice, SliceWrites& writes) {
  writes.remove.emplace_back(text_at(slice, {"metadata", "name"}));
}

}  // namespace

bool selects(const json::object& service, const json::object& pod) {
  const json::object& selector = object_at(service, {"spec", "selector"});
  const json::object& labels = object_at(pod, {"metadata", "labels"});
  return !selector.empty() && std::ranges::all_of(selector, [&](const auto& wanted) {
    const json::value* found = labels.if_contains(wanted.key());
    return found != nullptr && *found == wanted.value();
  });
}

SliceWrites reconcile_slices(const SliceInputs& inputs, Time now, std::mt19937_64& random) {
  SliceWrites writes;
  std::vector<const json::object*> ours;
  for (const json::object* slice : inputs.slices) {
    if (is_ours(*slice)) ours.push_back(slice);
  }
  if (!wants_slices(inputs.service)) {
    // A Service that lost its selector keeps its slices, as in Kubernetes: somebody may maintain
    // them by hand now.
    bool external =
        inputs.service == nullptr || text_at(*inputs.service, {"spec", "type"}) == "ExternalName";
    for (const json::object* slice : ours) {
      if (external) remove(*slice, writes);
    }
    return writes;
  }
  SliceInputs own = inputs;
  own.slices = ours;
  std::vector<std::string_view> types = address_types(*inputs.service);
  for (const json::object* slice : ours) {
    if (std::ranges::find(types, text_at(*slice, {"addressType"})) == types.end())
      remove(*slice, writes);
  }
  for (std::string_view type : types) {
    FamilyReconciler family(own, type);
    family.reconcile();
    for (auto& [ports, draft] : family.drafts_) {
      bool exists = draft.existing != nullptr;
      if (exists && !draft.changed) continue;
      json::object slice = write_slice(*inputs.service, type, ports, std::move(draft), now, random);
      (exists ? writes.update : writes.create).push_back(std::move(slice));
    }
    for (const json::object* slice : family.surplus_) remove(*slice, writes);
  }
  return writes;
}

}  // namespace fairlead::api
