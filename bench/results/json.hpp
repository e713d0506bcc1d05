// Results <-> JSON, lossless: `schema: fairlead.io/bench/v1`.
//
//   {"schema": "fairlead.io/bench/v1",
//    "setting": {"commit": …, "mitigations": [text], …},
//    "series": [{"subject": {"part": …, "better": "more" or "less", …}, "way": …, "samples": [1.5,
//    null]}], "latencies": [{"subject": …, "way": …, "buckets": [[nanoseconds, count], …]}],
//    "notMeasured": [{"part": …, "what": …, "why": …}]}
//
// All of these are there. What is not known is ignored: a later version may say more.
#pragma once

#include <string>
#include <string_view>

#include "bench/results/results.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

/// One series a line. Samples are written with as many digits as they need to come back the same; a
/// round without one is null.
std::string to_json(const Results& results);
/// Errors name the field: "series[3].samples[2]: not a number".
Result<Results> results_from_json(std::string_view text);

/// The edge: errors name the file. Writing replaces a file whole or not at all.
Result<Results> read_results(const std::string& file);
Result<> write_file(const std::string& file, std::string_view text);

}  // namespace fairlead::bench
