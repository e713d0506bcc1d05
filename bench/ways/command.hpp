// Runs a program as a child: what it said, and what it took.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/ways/way.hpp"

namespace fairlead::bench {

/// A program with its arguments, and what it reads on its standard input.
struct Step {
  std::vector<std::string> command;
  std::string input = {};
};

/// Runs all, one after the other, in the calling thread's namespaces, and waits. An error says
/// which failed, and the first lines of what it wrote to its standard error.
Result<Cost> run_steps(const std::vector<Step>& steps);

/// What one wrote to its standard output.
Result<std::string> output_of(const Step& step);

/// Where `program` is, along PATH and in the directories of the administrator's tools.
std::optional<std::string> find_program(std::string_view program);

}  // namespace fairlead::bench
