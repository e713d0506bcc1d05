// Results <-> JSON, lossless: `schema: fairlead.io/bench/v1`.
#pragma once

#include <string>
#include <string_view>

#include "bench/results/results.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

std::string to_json(const Results& results);
/// Errors name the field.
Result<Results> results_from_json(std::string_view text);

}  // namespace fairlead::bench
