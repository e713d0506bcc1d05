// `fairlead explain`'s packet -> the question to the agent.
#pragma once

#include <string>
#include <vector>

#include "model/result.hpp"

namespace fairlead::cli {

/// {"10.244.1.5", "->", "10.96.0.10:80/UDP"}, with or without the arrow, in one word or several;
/// TCP where no protocol is said. IPv6 destinations have brackets.
Result<std::string> explain_target(const std::vector<std::string>& words);

}  // namespace fairlead::cli
