// Files of Kubernetes objects -> Snapshot.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "model/object.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace fairlead::cli {

struct PlanInput {
  Snapshot cluster;
  std::vector<Problem> problems;  // in the order of the files
};

/// Reads YAML or JSON from every path: a file, a directory (its *.yaml, *.yml and *.json, by name,
/// not its directories) or "-" for `standard_input`. Objects of other kinds are passed over. Fails
/// where a file cannot be read or is neither YAML nor JSON; the error names the file, line and
/// column.
Result<PlanInput> read_plan_input(const std::vector<std::string>& paths,
                                  std::istream& standard_input);

}  // namespace fairlead::cli
