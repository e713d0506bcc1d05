// Pool and address, pool and Service -> yes or no.
#include "model/address_pool.hpp"

#include <algorithm>

namespace fairlead {
namespace {

struct Forbidden {
  std::string_view cidr, what;
};
constexpr Forbidden kForbidden[] = {
    {"0.0.0.0/8", "unspecified"}, {"127.0.0.0/8", "loopback"}, {"169.254.0.0/16", "link-local"},
    {"224.0.0.0/4", "multicast"}, {"240.0.0.0/4", "reserved"}, {"::/127", "unspecified"},
    {"fe80::/10", "link-local"},  {"ff00::/8", "multicast"},
};

}  // namespace

Result<> check_pool_range(const IpRange& range) {
  for (const Forbidden& forbidden : kForbidden) {
    TRY(const Cidr cidr, parse_cidr(forbidden.cidr));
    if (!range_of(cidr).overlaps(range)) continue;
    return invalid("may not have addresses of " + std::string(forbidden.cidr) + " (" +
                   std::string(forbidden.what) + ")");
  }
  return {};
}

bool AddressPool::contains(const Ip& ip) const {
  return std::ranges::any_of(ranges, [&](const IpRange& range) { return range.contains(ip); });
}

bool AddressPool::may_give(const Ip& ip) const {
  const bool ends_badly = ip.bytes[15] == 0 || ip.bytes[15] == 255;
  return contains(ip) && !(avoid_buggy_ips && ip.is_v4() && ends_badly);
}

bool AddressPool::serves(std::string_view ns, const Labels& service_labels) const {
  const bool is_named = namespaces.empty() || std::ranges::find(namespaces, ns) != namespaces.end();
  return is_named && services.matches(service_labels);
}

}  // namespace fairlead
