// Any bytes as what a socket brings: in pieces of one size or all at once, they are the same
// messages, and the same end.
#include "tests/fuzz/bgp/properties.hpp"

namespace fairlead::bgp::fuzz {
namespace {

struct Read {
  std::vector<Bytes> messages;
  std::optional<Notification> error;
  bool operator==(const Read&) const = default;
};

Read read_in_pieces(ByteView stream, std::size_t piece) {
  Read read;
  Framer framer;
  while (!stream.empty() && !read.error) {
    const ByteView part = stream.first(std::min(piece, stream.size()));
    stream = stream.subspan(part.size());
    framer.feed(part);
    while (!read.error) {
      const auto next = framer.next();
      if (!next)
        read.error = next.error();
      else if (*next)
        read.messages.emplace_back((*next)->begin(), (*next)->end());
      else
        break;
    }
  }
  require(read.error || framer.pending() < kMaximumMessageSize, "what is whole is taken");
  return read;
}

}  // namespace
}  // namespace fairlead::bgp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fairlead::bgp;
  using namespace fairlead::bgp::fuzz;
  if (size < 2) return 0;
  const auto negotiated = negotiated_from(data[0]);
  const ByteView stream = ByteView(data, size).subspan(2);
  const auto read = read_in_pieces(stream, stream.size() + 1);
  require(read == read_in_pieces(stream, data[1] + 1U), "pieces do not matter");
  for (const Bytes& message : read.messages) {
    const auto decoded = decode(message, negotiated);
    if (decoded) check_message(*decoded, negotiated, message.size());
  }
  return 0;
}
