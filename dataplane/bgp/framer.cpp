// Bytes are appended behind those that are not yet whole messages; what was taken is dropped from
// the front only once it is the larger half, so that no byte moves more than once on average.
#include "dataplane/bgp/framer.hpp"

namespace fairlead::bgp {

void Framer::feed(ByteView bytes) {
  if (taken_ * 2 >= buffer_.size()) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Decoded<std::optional<ByteView>> Framer::next() {
  const ByteView waiting = ByteView(buffer_).subspan(taken_);
  if (waiting.size() < kHeaderSize) return std::nullopt;
  const auto header = decode_header(waiting);
  if (!header) return tl::unexpected(header.error());
  if (waiting.size() < header->size) return std::nullopt;
  taken_ += header->size;
  return waiting.first(header->size);
}

}  // namespace fairlead::bgp
