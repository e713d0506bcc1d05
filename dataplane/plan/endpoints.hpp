// Which endpoints a Service port may use from here. kube-proxy's CategorizeEndpoints, KEP-1669 and
// KEP-2433.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/plan/node_view.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead {

/// The EndpointSlices of one Service, by their own names.
using Slices = std::map<std::string, EndpointSlice>;

struct EndpointChoice {
  std::vector<Backend> cluster;  // sorted, no duplicates
  std::vector<Backend> local;    // sorted, no duplicates
  bool has_any = false;          // some endpoint somewhere takes connections
  std::vector<Ip> serving;       // sorted, no duplicates
};

/// Only slices and ports that match the name in port name, protocol and family count. `slices` may
/// be nullptr. `weights` are the Service's, sorted by node.
EndpointChoice choose_endpoints(const ServicePortName& name, const Slices* slices,
                                const NodeView& view, const std::vector<NodeWeight>& weights);

}  // namespace fairlead
