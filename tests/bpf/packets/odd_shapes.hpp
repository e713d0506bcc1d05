// Odd shapes of a packet, and what is to become of each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/bpf/harness/packet.hpp"

namespace fairlead::test {

enum class Expected {
  kTranslated,  // as the plain packet, and all that is odd about it is kept
  kUntouched,   // left to whoever comes after, byte for byte
};

/// What makes an Ethernet frame with a plain packet odd. It commutes with translation: an odd
/// packet that is translated is what the plain one is translated to, made odd.
struct OddShape {
  std::string name;
  Expected expected;
  std::function<Frame(const Frame&)> make;
};

struct Plain {
  Family family;
  Protocol protocol;
  std::size_t payload;  // bytes behind the transport header
  bool is_forwarded;    // its hops count
  bool has_mac;         // else frames are made odd from the IP header on alone
};
std::vector<OddShape> odd_shapes_of(const Plain& plain);

}  // namespace fairlead::test
