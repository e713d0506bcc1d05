// The note of a DEL that found no agent (cni/deletion.hpp).
#pragma once

#include <string>

#include "cni/deletion.hpp"
#include "model/result.hpp"

namespace fairlead::cni {

/// Whole or not at all, and readable by root alone, whatever the umask. Returns its path.
Result<std::string> write_note(const std::string& state_directory, const Deletion& deletion);

}  // namespace fairlead::cni
