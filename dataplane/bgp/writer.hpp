// Big-endian numbers and parts appended to bytes. Lengths that are known only later are written by
// the Slot that held their place.
#pragma once

#include <algorithm>

#include "dataplane/bgp/types.hpp"

namespace fairlead::bgp {

class Writer {
 public:
  /// The place of a length of one or two bytes, which counts what follows it.
  struct Slot {
    std::size_t at = 0;
    std::size_t width = 0;
  };

  explicit Writer(Bytes& out) : out_(out) {}

  [[nodiscard]] std::size_t size() const { return out_.size(); }

  void u8(std::size_t value) { out_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(std::size_t value) {
    u8(value >> 8 & 0xff);
    u8(value & 0xff);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  void bytes(ByteView bytes) {
    const std::size_t at = out_.size();
    out_.resize(at + bytes.size());
    std::ranges::copy(bytes, std::span(out_).subspan(at).begin());
  }

  Slot length(std::size_t width) {
    const Slot slot{.at = out_.size(), .width = width};
    out_.resize(out_.size() + width);
    return slot;
  }
  /// The length is what was appended since the slot was made.
  void close(Slot slot) { put(slot, out_.size() - slot.at - slot.width); }
  void put(Slot slot, std::size_t value) {
    if (slot.width == 2) out_[slot.at] = static_cast<std::uint8_t>(value >> 8);
    out_[slot.at + slot.width - 1] = static_cast<std::uint8_t>(value);
  }

 private:
  Bytes& out_;
};

}  // namespace fairlead::bgp
