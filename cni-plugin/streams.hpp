// Standard input and output, as runtimes give them or not.
#pragma once

#include <string>
#include <string_view>

#include "model/result.hpp"

namespace fairlead::cni {

/// A descriptor that the runtime has closed becomes /dev/null, so that no file that is opened later
/// takes its number and gets our output.
void open_standard_streams();
/// To its end, or `most_bytes` + 1 of it.
Result<std::string> read_standard_input(std::size_t most_bytes);
/// False: not all of it was written.
bool write_standard_output(std::string_view text);

}  // namespace fairlead::cni
