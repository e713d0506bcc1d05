// Cgroups of a bench, and the names by which what it leaves is known: each has the id of the
// process that made it.
#pragma once

#include <string>
#include <string_view>

#include "model/result.hpp"

namespace fairlead::bench {

/// "fairlead-bench-PID-".
std::string name_of_this_process();
/// A name that began so, of a process that has ended.
bool is_left_behind(std::string_view name);

/// A new one below the root of cgroup v2, without processes; its path.
Result<std::string> make_cgroup();
/// Those of processes that have ended, however they did.
void remove_left_cgroups();

}  // namespace fairlead::bench
