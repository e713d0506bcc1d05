// The innermost loop of a full table: nothing is allocated for a prefix but its place in the
// vector.
#include "dataplane/bgp/prefixes.hpp"

#include <algorithm>

namespace fairlead::bgp {
namespace {

/// Where a family's own bytes begin in an Ip.
constexpr std::size_t first_byte(Family family) { return family == Family::kIpv4 ? 12 : 0; }

constexpr std::size_t bytes_of(std::size_t bits) { return (bits + 7) / 8; }

}  // namespace

PrefixRead read_prefixes(Reader reader, Family family, std::vector<Prefix>& prefixes) {
  const std::size_t most = family == Family::kIpv4 ? 32 : 128;
  const Ip zero = any_address(family);
  PrefixRead result;
  prefixes.reserve(prefixes.size() + reader.remaining() / 4);
  while (!reader.empty()) {
    const std::uint8_t length = *reader.u8();
    if (length > most) return {.malformed = true};
    const auto bytes = reader.bytes(bytes_of(length));
    if (!bytes) return {.malformed = true};
    Prefix prefix{.base = zero, .length = length};
    const auto own = std::span(prefix.base.bytes).subspan(first_byte(family));
    std::ranges::copy(*bytes, own.begin());
    if (length % 8 != 0) {
      auto& last = own[bytes->size() - 1];
      last = static_cast<std::uint8_t>(last & (0xff00U >> (length % 8)));
    }
    if (family == Family::kIpv6 && prefix.base.is_v4())
      ++result.mapped;
    else
      prefixes.push_back(prefix);
  }
  return result;
}

std::size_t encoded_size(const Prefix& prefix) { return 1 + bytes_of(prefix.length); }

void write_prefix(Writer& writer, const Prefix& prefix) {
  writer.u8(prefix.length);
  writer.bytes(
      ByteView(prefix.base.bytes).subspan(first_byte(prefix.family()), bytes_of(prefix.length)));
}

}  // namespace fairlead::bgp
