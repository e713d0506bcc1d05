// A Plan as rows: one for each frontend and scope, as `fairlead plan` prints them.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "model/object.hpp"
#include "model/plan.hpp"

namespace fairlead::cli {

/// {"node": ..., "frontends": [...]}, the rows sorted by address, port, protocol and scope as
/// printed. `self` may be nullptr; its addresses are shown where NodePorts are open on all of them.
boost::json::object plan_to_json(const Plan& plan, const std::string& node_name, const Node* self);

/// The same for people: a heading and one line a row.
std::vector<std::vector<std::string>> plan_to_table(const boost::json::object& plan);

}  // namespace fairlead::cli
