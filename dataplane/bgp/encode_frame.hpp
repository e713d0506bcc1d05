// What is around every message: the marker, the length, the type (RFC 4271 4.1).
#pragma once

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/writer.hpp"

namespace fairlead::bgp {

struct Frame {
  std::size_t begin = 0;
  Writer::Slot length;
};

inline Frame open_frame(Writer& writer, MessageType type) {
  constexpr std::array<std::uint8_t, 16> kMarker{255, 255, 255, 255, 255, 255, 255, 255,
                                                 255, 255, 255, 255, 255, 255, 255, 255};
  Frame frame{.begin = writer.size(), .length = {}};
  writer.bytes(kMarker);
  frame.length = writer.length(2);
  writer.u8(static_cast<std::uint8_t>(type));
  return frame;
}

inline void close_frame(Writer& writer, const Frame& frame) {
  writer.put(frame.length, writer.size() - frame.begin);
}

}  // namespace fairlead::bgp
