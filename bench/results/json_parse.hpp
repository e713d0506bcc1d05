// Text -> JSON value, with every number exactly as written: Boost.JSON 1.81 is off by the last bits
// in one of five.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "model/result.hpp"

namespace fairlead::bench {

/// Errors: "not JSON at byte 17: syntax error".
Result<boost::json::value> parse_json(std::string_view text);

}  // namespace fairlead::bench
