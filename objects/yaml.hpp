// YAML or JSON text -> JSON values. Kubernetes objects are JSON everywhere behind this.
#pragma once

#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "model/result.hpp"

namespace fairlead {

/// Every document of a YAML stream (JSON is YAML), with a v1 List opened into its items. Scalars
/// are typed by YAML 1.2's core schema as kubectl does (1 is a number, "1" is text, true is a
/// boolean). Errors name the line and column. Aliases are refused (CVE-2019-11253), and so is
/// nesting deeper than 64.
Result<std::vector<boost::json::value>> parse_documents(std::string_view text);

}  // namespace fairlead
