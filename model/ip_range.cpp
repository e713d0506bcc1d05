// Text -> IpRange, and counting in it. Both families are the same 16 bytes, so there is one way.
#include "model/ip_range.hpp"

#include <limits>

#include "model/quoted.hpp"

namespace fairlead {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

struct Halves {
  std::uint64_t high = 0, low = 0;
};

Halves halves_of(const Ip& ip) {
  Halves halves;
  for (std::size_t i = 0; i < 8; ++i) halves.high = halves.high << 8U | ip.bytes[i];
  for (std::size_t i = 8; i < 16; ++i) halves.low = halves.low << 8U | ip.bytes[i];
  return halves;
}

}  // namespace

std::uint64_t IpRange::size() const {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  const Halves from = halves_of(first), to = halves_of(last);
  const std::uint64_t low = to.low - from.low;
  const std::uint64_t high = to.high - from.high - (to.low < from.low ? 1 : 0);
  return high > 0 || low == kMost ? kMost : low + 1;
}

IpRange range_of(const Cidr& cidr) {
  IpRange range{cidr.base, cidr.base};
  const std::size_t kept = (cidr.base.is_v4() ? 96U : 0U) + cidr.length;
  for (std::size_t bit = kept; bit < 128; ++bit) {
    std::uint8_t& byte = range.last.bytes[bit / 8];
    byte = static_cast<std::uint8_t>(byte | (0x80U >> bit % 8));
  }
  return range;
}

Result<IpRange> parse_ip_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) {
    if (text.find('/') == std::string_view::npos) {
      return invalid(quoted(text) + " is neither a CIDR nor a range FIRST-LAST");
    }
    TRY(const Cidr cidr, parse_cidr(text));
    return range_of(cidr);
  }
  TRY(const Ip first, parse_ip(trimmed(text.substr(0, dash))));
  TRY(const Ip last, parse_ip(trimmed(text.substr(dash + 1))));
  if (first.family() != last.family()) {
    return invalid(quoted(text) + " is no range: its ends are of two families");
  }
  if (last < first) return invalid(quoted(text) + " is no range: its end is before its beginning");
  return IpRange{first, last};
}

std::string to_string(const IpRange& range) {
  return to_string(range.first) + '-' + to_string(range.last);
}

std::optional<Ip> next_address(const Ip& ip) {
  Ip next = ip;
  for (std::size_t i = next.bytes.size(); i-- > 0;) {
    next.bytes[i] = static_cast<std::uint8_t>(next.bytes[i] + 1);
    if (next.bytes[i] != 0) return next;
  }
  return std::nullopt;
}

}  // namespace fairlead
