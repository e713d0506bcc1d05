// Foreign text in our messages.
#pragma once

#include <string>
#include <string_view>

namespace fairlead {

/// `text` in quotes, as a log line and a terminal bear it: 64 bytes at most (of more, their number
/// is given), control characters replaced by '?'. Hostile objects carry megabytes and escape
/// sequences where an address should be.
std::string quoted(std::string_view text);

}  // namespace fairlead
