// Odd packets: each is one that somebody has really sent, or that a parser has really fallen over.
#pragma once

#include <string>
#include <vector>

#include "tests/bpf/harness/network.hpp"

namespace fairlead::test {

struct Shape {
  std::string name;
  Frame frame;
};

/// `to_frontend` in every shape, and errors about `forwarded`, a packet of an open flow as its
/// backend gets it: a few hundred.
std::vector<Shape> odd_shapes(const Packet& to_frontend, const Packet& forwarded);

}  // namespace fairlead::test
