// The addresses of one range that nobody has, lowest first, in time that does not depend on how
// many there are.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "model/ip_range.hpp"

namespace fairlead::addresses {

class FreeList {
 public:
  explicit FreeList(const IpRange& range) : range_(range), fresh_(range.first) {}

  [[nodiscard]] const IpRange& range() const { return range_; }
  /// The lowest address that `usable` lets pass. It is not offered again until it is put back.
  std::optional<Ip> take(const std::function<bool(const Ip&)>& usable);
  /// `ip` is free again. It may be in the list already, and be in use: take() asks.
  void put_back(const Ip& ip) {
    if (!fresh_ || ip < *fresh_) returned_.insert(ip);
  }

 private:
  IpRange range_;
  std::optional<Ip> fresh_;  // this one and all after it were never looked at
  std::set<Ip> returned_;
};

}  // namespace fairlead::addresses
