// A Service's plan -> the addresses at which this node serves it to strangers.
#pragma once

#include <vector>

#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead::announce {

/// Where a connection from outside of the cluster ends at an endpoint that is ready.
struct ServedAddress {
  Ip ip{};
  bool is_cluster_ip = false, is_external = false, is_load_balancer = false;
  bool is_local = false;  // policy Local: only nodes with a ready endpoint of their own serve it
};

/// Into `served`, each address once. Endpoints that are terminating do not count: they still get
/// what arrives, but no more shall be led here.
void collect_served(const Service& service, const ServicePlans& plans,
                    std::vector<ServedAddress>& served);

}  // namespace fairlead::announce
