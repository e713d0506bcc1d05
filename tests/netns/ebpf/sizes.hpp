// Tables small enough to be made anew by each test.
#pragma once

#include "dataplane/ebpf/load.hpp"

namespace fairlead::test {

inline constexpr ebpf::Sizes kTestSizes{.flow4_buckets = 1024,
                                        .flow6_buckets = 1024,
                                        .records = 4096,
                                        .frontends = 1024,
                                        .affinities = 1024,
                                        .filter_words = 256,
                                        .members = 1024,
                                        .source_ranges = 64};

}  // namespace fairlead::test
