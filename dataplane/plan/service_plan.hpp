// One Service -> its plans: which frontends exist, who may use which backends, what is masqueraded.
#pragma once

#include <vector>

#include "dataplane/plan/claims.hpp"
#include "dataplane/plan/endpoints.hpp"
#include "dataplane/plan/node_view.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead {

/// Sorted by name; empty where nothing is programmed. `slices` may be nullptr. `claims` must hold
/// what the Service wants.
ServicePlans plan_service(const Service& service, const Slices* slices, const NodeView& view,
                          const Claims& claims, std::vector<Problem>& problems);

}  // namespace fairlead
