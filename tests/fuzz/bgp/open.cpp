// Any bytes as the body of a OPEN, in any form of session.
#include "tests/fuzz/bgp/properties.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fairlead::bgp::fuzz::check_body(fairlead::bgp::MessageType::kOpen, data, size);
}
