// The two messages of the agent's socket: the plugin's question and the agent's answer.
#pragma once

#include <string>
#include <string_view>

#include "cni/environment.hpp"
#include "model/result.hpp"

namespace fairlead::cni {

/// {"environment": {"CNI_COMMAND": …}, "config": "stdin as it came"}; variables that are not set
/// are left out.
struct Question {
  Environment environment;
  std::string config;
  bool operator==(const Question&) const = default;
};
/// Precondition: all of it is UTF-8, as what parse_request let through is.
std::string to_json(const Question& question);
Result<Question> parse_question(std::string_view text);

/// {"exit": 0, "stdout": "…"}
struct Answer {
  int exit = 0;  // the plugin's status: 0 or 1
  std::string output;
  bool operator==(const Answer&) const = default;
};
std::string to_json(const Answer& answer);
Result<Answer> parse_answer(std::string_view text);

}  // namespace fairlead::cni
