// Settings below /proc/sys/net, in the calling thread's network namespace.
#pragma once

#include <string>

#include "model/result.hpp"

namespace fairlead {

/// `name`: with dots, or with slashes where an interface's name may have dots, as in sysctl(8).
Result<std::string> read_sysctl(const std::string& name);
Result<> write_sysctl(const std::string& name, const std::string& value);

}  // namespace fairlead
