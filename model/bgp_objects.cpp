// Communities from text: numbers, or the names that IANA's registry gives to some of them.
#include "model/bgp_objects.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "model/quoted.hpp"

namespace fairlead {
namespace {

// IANA "BGP Well-known Communities".
constexpr std::array<std::pair<std::string_view, std::uint32_t>, 9> kWellKnown{{
    {"graceful-shutdown", 0xFFFF0000},  // RFC 8326
    {"accept-own", 0xFFFF0001},         // RFC 7611
    {"llgr-stale", 0xFFFF0006},         // RFC 9494
    {"no-llgr", 0xFFFF0007},            // RFC 9494
    {"blackhole", 0xFFFF029A},          // RFC 7999
    {"no-export", 0xFFFFFF01},          // RFC 1997
    {"no-advertise", 0xFFFFFF02},
    {"local-as", 0xFFFFFF03},  // NO_EXPORT_SUBCONFED
    {"no-peer", 0xFFFFFF04},   // RFC 3765
}};

/// The numbers between colons; empty where something else is there.
std::vector<std::uint32_t> numbers_of(std::string_view text) {
  std::vector<std::uint32_t> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    std::uint32_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc()) return {};
    numbers.push_back(number);
    if (next == end) return numbers;
    if (*next != ':') return {};
    at = next + 1;
  }
}

template <class T>
void insert_sorted(std::vector<T>& list, const T& value) {
  const auto place = std::ranges::lower_bound(list, value);
  if (place == list.end() || *place != value) list.insert(place, value);
}

}  // namespace

std::string_view to_string(BgpRole role) {
  switch (role) {
    case BgpRole::kProvider:
      return "Provider";
    case BgpRole::kRouteServer:
      return "RouteServer";
    case BgpRole::kRouteServerClient:
      return "RouteServerClient";
    case BgpRole::kCustomer:
      return "Customer";
    case BgpRole::kPeer:
      return "Peer";
  }
  return "unknown";
}

Result<> Communities::add(std::string_view text) {
  for (const auto& [name, value] : kWellKnown) {
    if (text != name) continue;
    insert_sorted(standard, value);
    return {};
  }
  const auto numbers = numbers_of(text);
  if (numbers.size() == 3) {
    insert_sorted(large, LargeCommunity{numbers[0], numbers[1], numbers[2]});
    return {};
  }
  if (numbers.size() == 2 && numbers[0] <= 0xFFFF && numbers[1] <= 0xFFFF) {
    insert_sorted(standard, numbers[0] << 16U | numbers[1]);
    return {};
  }
  return invalid(quoted(text) +
                 " is not a community: ASN:NUMBER (16 bits each), ASN:NUMBER:NUMBER (32 bits "
                 "each), or a well-known name as no-export");
}

}  // namespace fairlead
