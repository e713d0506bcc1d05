// A plan as the admin socket shows it.
#pragma once

#include <boost/json/array.hpp>
#include <string_view>
#include <vector>

#include "model/plan.hpp"

namespace fairlead {

std::string_view name_of(FrontendKind kind);  // "ClusterIP", "NodePort", ...
std::string_view name_of(Scope scope);        // "internal", "host", "external"
std::string_view name_of(Action action);      // "forward", "reject", "drop"

boost::json::array backends_json(const std::vector<Backend>& backends);

/// One object a Service port and family, in the plan's order: service, protocol, affinitySeconds,
/// backends, frontends.
boost::json::array services_json(const Plan& plan);

}  // namespace fairlead
