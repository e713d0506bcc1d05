// The only way into received bytes: big-endian numbers and parts, each checked against the end. Who
// parses a part gets a Reader of that part and cannot see beyond it.
#pragma once

#include <optional>

#include "dataplane/bgp/types.hpp"

namespace fairlead::bgp {

/// Borrows the bytes. A read past the end gives nothing and leaves nothing: every later read fails
/// too, so that of reads in a row only the last needs to be looked at.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t remaining() const { return bytes_.size(); }
  [[nodiscard]] ByteView rest() const { return bytes_; }

  std::optional<ByteView> bytes(std::size_t count) {
    if (count > bytes_.size()) {
      bytes_ = {};
      return std::nullopt;
    }
    const ByteView taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  std::optional<Reader> part(std::size_t count) {
    const auto taken = bytes(count);
    if (!taken) return std::nullopt;
    return Reader(*taken);
  }
  /// `width` is 1, 2 or 4 bytes.
  std::optional<std::uint32_t> number(std::size_t width) {
    const auto taken = bytes(width);
    if (!taken) return std::nullopt;
    std::uint32_t value = 0;
    for (const std::uint8_t byte : *taken) value = value << 8 | byte;
    return value;
  }
  std::optional<std::uint8_t> u8() { return narrow<std::uint8_t>(number(1)); }
  std::optional<std::uint16_t> u16() { return narrow<std::uint16_t>(number(2)); }
  std::optional<std::uint32_t> u32() { return number(4); }

 private:
  template <class Number>
  static std::optional<Number> narrow(std::optional<std::uint32_t> value) {
    if (!value) return std::nullopt;
    return static_cast<Number>(*value);
  }

  ByteView bytes_;
};

}  // namespace fairlead::bgp
