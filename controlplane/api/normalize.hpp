// JSON as it came -> JSON that fits a message of the schema.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/schema.hpp"
#include "model/result.hpp"

namespace fairlead::api {

/// Checks types, drops unknown fields, nulls and zero values that Kubernetes leaves out, brings
/// times into Kubernetes' form. `unknown` collects `unknown field "spec.foo"`. The error is worded
/// as Go's JSON decoder words it.
Result<boost::json::object> normalize(const Message& message, const boost::json::object& object,
                                      std::vector<std::string>& unknown);

/// `duplicate field "spec.type"` for each key that a JSON text has twice in one object. `text` is
/// valid JSON.
std::vector<std::string> duplicate_keys(std::string_view text);

/// Parses JSON of up to 100 levels.
Result<boost::json::value> parse_json(std::string_view text);

/// Whether a value is what Go's omitempty leaves out.
bool is_zero(const boost::json::value& value);

}  // namespace fairlead::api
