// Results as one HTML file, which needs no network and no other file.
#pragma once

#include <string>

#include "bench/results/results.hpp"

namespace fairlead::bench {

/// Holds the results as they are (script#results) and what was made of them (script#figures: the
/// rows of rows.hpp); its own script draws both.
std::string to_page(const Results& results);

}  // namespace fairlead::bench
