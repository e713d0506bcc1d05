// A stream of bytes, in whatever pieces it comes -> whole messages.
#pragma once

#include <optional>

#include "dataplane/bgp/decode.hpp"

namespace fairlead::bgp {

/// Each byte is copied once when it comes, and at most once more. Holds no more than what was fed
/// and not yet taken.
class Framer {
 public:
  void feed(ByteView bytes);

  /// The next whole message with its header: nothing if more bytes are needed. The view holds until
  /// the next feed(). An error stays: the stream has lost its framing.
  Decoded<std::optional<ByteView>> next();

  /// Bytes that were fed and not yet taken.
  [[nodiscard]] std::size_t pending() const { return buffer_.size() - taken_; }

 private:
  Bytes buffer_;
  std::size_t taken_ = 0;  // of buffer_, from its begin
};

}  // namespace fairlead::bgp
