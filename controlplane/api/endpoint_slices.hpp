// Pods + Service -> EndpointSlices: what Kubernetes' endpoint slice controller does, as a pure
// function.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/object.hpp"

namespace fairlead::api {

inline constexpr std::size_t kMaxEndpointsPerSlice = 100;
inline constexpr std::string_view kSliceManager = "endpointslice-controller.k8s.io";

/// All pointers are to objects as stored and must outlive the call.
struct SliceInputs {
  const boost::json::object* service = nullptr;  // nullptr: deleted
  std::span<const boost::json::object* const>
      pods;  // of the namespace; those that do not match are skipped
  std::span<const boost::json::object* const>
      slices;  // of the Service, by label; others' are left alone
  /// The Node of that name, nullptr if unknown: its zone goes into the endpoints.
  std::function<const boost::json::object*(std::string_view)> node;
};

struct SliceWrites {
  std::vector<boost::json::object> create;  // metadata.name is drawn
  std::vector<boost::json::object> update;  // with the resourceVersion of the slice read
  std::vector<std::string> remove;          // names
  [[nodiscard]] bool empty() const { return create.empty() && update.empty() && remove.empty(); }
};

/// The least writes that make the Service's slices say what its Pods are. Existing slices are
/// filled before new ones are made and are never balanced; a slice without change is not written;
/// slices of other managers are never touched. A Service without selector gets no writes; for one
/// of type ExternalName, or gone (`service` is nullptr), our slices are removed. `now` goes into
/// the last-change-trigger-time annotation of what is written.
SliceWrites reconcile_slices(const SliceInputs& inputs, Time now, std::mt19937_64& random);

/// Whether the Service selects the Pod (namespaces are not compared).
bool selects(const boost::json::object& service, const boost::json::object& pod);

}  // namespace fairlead::api
