// The effective configuration as /configz shows it.
#pragma once

#include <boost/json/object.hpp>

#include "agent/config.hpp"

namespace fairlead {

/// Nested as in an AgentConfiguration file.
boost::json::object config_json(const AgentConfig& config);

}  // namespace fairlead
