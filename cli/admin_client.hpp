// Asks the running agent over its admin socket.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "model/result.hpp"

namespace fairlead::cli {

inline constexpr const char* kDefaultSocket = "/run/fairlead/agent.sock";

/// GET `target` ("/v1/status"). Errors: no agent there, no permission, or what the agent says is
/// wrong with the question.
Result<boost::json::value> ask_agent(const std::string& socket, const std::string& target);
/// POST, with the same errors.
Result<boost::json::value> order_agent(const std::string& socket, const std::string& target);

}  // namespace fairlead::cli
