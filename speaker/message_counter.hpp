// How many messages went by in a stream of them, in whatever pieces.
#pragma once

#include <algorithm>
#include <array>

#include "dataplane/bgp/types.hpp"

namespace fairlead::speaker {

/// Only counts: a length that cannot be ends the counting, as it ends the session.
class MessageCounter {
 public:
  void feed(bgp::ByteView bytes) {
    while (!bytes.empty() && !lost_) {
      if (left_ > 0) {
        const auto skipped = std::min(left_, bytes.size());
        left_ -= skipped;
        bytes = bytes.subspan(skipped);
        continue;
      }
      header_[have_++] = bytes.front();
      bytes = bytes.subspan(1);
      if (have_ == header_.size()) take_header();
    }
  }

  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::uint64_t updates() const { return updates_; }

 private:
  static constexpr std::size_t kLengthAt = 16, kTypeAt = 18;
  static constexpr std::uint8_t kUpdate = 2;

  void take_header() {
    const std::size_t length = std::size_t{header_[kLengthAt]} << 8 | header_[kLengthAt + 1];
    have_ = 0;
    lost_ = length < header_.size();
    if (lost_) return;
    left_ = length - header_.size();
    ++messages_;
    if (header_[kTypeAt] == kUpdate) ++updates_;
  }

  std::array<std::uint8_t, 19> header_{};
  std::size_t have_ = 0;  // of the header
  std::size_t left_ = 0;  // of the message behind it
  bool lost_ = false;
  std::uint64_t messages_ = 0, updates_ = 0;
};

}  // namespace fairlead::speaker
