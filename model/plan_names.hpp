// The words for a plan's values: the same wherever a plan is shown.
#pragma once

#include <string_view>

#include "model/plan.hpp"

namespace fairlead {

std::string_view name_of(FrontendKind kind);   // "ClusterIP", "NodePort", ...
std::string_view name_of(Scope scope);         // "internal", "host", "external"
std::string_view name_of(Action action);       // "forward", "reject", "drop"
std::string_view name_of(BackendState state);  // "active", "terminating"

}  // namespace fairlead
