// A plan as the admin socket shows it.
#pragma once

#include <boost/json/array.hpp>
#include <vector>

#include "model/plan.hpp"
#include "model/plan_names.hpp"

namespace fairlead {

boost::json::array backends_json(const std::vector<Backend>& backends);

/// One object a Service port and family, in the plan's order: service, protocol, affinitySeconds,
/// backends, frontends.
boost::json::array services_json(const Plan& plan);

}  // namespace fairlead
