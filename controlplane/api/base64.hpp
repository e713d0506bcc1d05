// Standard base64 (RFC 4648 section 4), as JSON has bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::api {

std::string to_base64(std::string_view bytes);
/// nullopt: the text is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace fairlead::api
