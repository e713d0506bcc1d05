// Five peers say, take back, fall and return in random order. After each flush the table is what
// the slow reference computes from scratch, and so is what each peer has made of the bytes it was
// sent.
#include <gtest/gtest.h>

#include "tests/unit/bgp/table_walk.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

TEST(TableProperty, WhateverHappensTheTableAndItsPeersEndWhereTheReferenceDoes) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Walk walk(seed);
    for (int i = 0; i < 400 && !testing::Test::HasFailure(); ++i) walk.step();
    walk.flush();
    walk.compare_with_a_fresh_table();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace fairlead::bgp
