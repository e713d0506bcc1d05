// What was given back comes before what was never given: addresses stay low, and few.
#include "controlplane/addresses/free_list.hpp"

namespace fairlead::addresses {

std::optional<Ip> FreeList::take(const std::function<bool(const Ip&)>& usable) {
  while (!returned_.empty()) {
    const Ip ip = returned_.extract(returned_.begin()).value();
    if (usable(ip)) return ip;
  }
  while (fresh_) {
    const Ip ip = *fresh_;
    fresh_ = ip == range_.last ? std::nullopt : next_address(ip);
    if (usable(ip)) return ip;
  }
  return std::nullopt;
}

}  // namespace fairlead::addresses
