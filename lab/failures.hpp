// The words for what can happen to a connection, and for who answered it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::lab {

/// errno -> refused, reset, timeout, unreachable, local.
std::string kind_of(int error_number);

std::int64_t unix_milliseconds();

/// "web-1 10.244.1.5 40312 …" -> "web-1"; empty if it is nothing of the kind.
std::string backend_of(std::string_view greeting);

}  // namespace fairlead::lab
