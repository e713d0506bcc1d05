// A range of many addresses costs what was used of it: a cursor, and the freed ones.
#include "dataplane/podnet/addresses.hpp"

#include <algorithm>

namespace fairlead::podnet {
namespace {

constexpr std::uint64_t kMany = std::uint64_t{1} << 62, kEndless = std::uint64_t{1} << 32;

unsigned host_bits(const Cidr& range) {
  return (range.family() == Family::kIpv4 ? 32U : 128U) - range.length;
}

/// Numbers from `first` to `last` - 1 are given.
struct Numbers {
  std::uint64_t first = 0, last = 1;
};
Numbers numbers_of(const Cidr& range) {
  const unsigned bits = host_bits(range);
  if (bits == 0) return {0, 1};
  const std::uint64_t count = bits >= 62 ? kMany : std::uint64_t{1} << bits;
  if (range.family() == Family::kIpv6) return {1, count};
  return bits == 1 ? Numbers{0, 2} : Numbers{1, count - 1};  // RFC 3021: a /31 has no others
}

Ip address_at(const Cidr& range, std::uint64_t number) {
  Ip address = range.base;
  for (std::size_t i = address.bytes.size(); number > 0 && i-- > 0; number >>= 8)
    address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] | (number & 0xff));
  return address;
}

}  // namespace

std::uint64_t usable_addresses(const Cidr& range) {
  const auto [first, last] = numbers_of(range);
  return last - first;
}

IpRange usable_range(const Cidr& range) {
  const auto [first, last] = numbers_of(range);
  return {address_at(range, first), address_at(range, last - 1)};
}

std::uint64_t Addresses::fresh_number(const Cidr& range) const {
  const std::uint64_t last = numbers_of(range).last;
  std::uint64_t number = cursor(range).next;
  const auto is_given = [&](const Ip& ip) { return held_.contains(ip) || turns_.contains(ip); };
  while (number < last && is_given(address_at(range, number))) ++number;
  return number;
}

std::optional<Ip> Addresses::take_next(std::span<const Cidr> ranges) {
  for (const Cidr& range : ranges) {
    const std::uint64_t number = fresh_number(range);
    if (number >= numbers_of(range).last) continue;
    next_[range] = number + 1;
    const Ip address = address_at(range, number);
    take(address);
    return address;
  }
  return take_oldest([&](const Ip& freed) {
    return std::ranges::any_of(ranges, [&](const Cidr& r) { return r.contains(freed); });
  });
}

std::optional<Ip> Addresses::take_next(const IpRange& part) {
  for (std::optional<Ip> ip = part.first; ip && part.contains(*ip); ip = next_address(*ip))
    if (!turns_.contains(*ip) && take(*ip)) return ip;
  return take_oldest([&](const Ip& freed) { return part.contains(freed); });
}

template <class Predicate>
std::optional<Ip> Addresses::take_oldest(Predicate is_wanted) {
  const auto oldest =
      std::ranges::find_if(line_, [&](const auto& freed) { return is_wanted(freed.second); });
  if (oldest == line_.end()) return std::nullopt;
  const Ip address = oldest->second;
  take(address);
  return address;
}

bool Addresses::take(const Ip& address) {
  if (!held_.insert(address).second) return false;
  if (const auto turn = turns_.find(address); turn != turns_.end()) {
    line_.erase(turn->second);
    turns_.erase(turn);
  }
  return true;
}

std::optional<std::uint64_t> Addresses::release(const Ip& address, std::span<const Cidr> ranges) {
  if (held_.erase(address) == 0) return std::nullopt;
  const auto is_endless = [&](const Cidr& range) {
    return range.contains(address) && usable_addresses(range) > kEndless;
  };
  if (std::ranges::any_of(ranges, is_endless)) return std::nullopt;
  set_free(address, last_turn_ + 1);
  return last_turn_;
}

bool Addresses::has_free(std::span<const Cidr> ranges) const {
  return std::ranges::any_of(ranges, [&](const Cidr& range) {
    return fresh_number(range) < numbers_of(range).last ||
           std::ranges::any_of(turns_,
                               [&](const auto& freed) { return range.contains(freed.first); });
  });
}

Cursor Addresses::cursor(const Cidr& range) const {
  const auto found = next_.find(range);
  return {range, found == next_.end() ? numbers_of(range).first : found->second};
}

void Addresses::set_free(const Ip& address, std::uint64_t turn) {
  held_.erase(address);
  turns_[address] = turn;
  line_[turn] = address;
  last_turn_ = std::max(last_turn_, turn);
}

}  // namespace fairlead::podnet
