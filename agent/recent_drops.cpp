// DropRecords, told by the monotonic clock -> rows with the time of day.
#include "agent/recent_drops.hpp"

#include <net/if.h>
#include <netinet/in.h>

#include <boost/json/array.hpp>

#include "objects/decode.hpp"

namespace fairlead {
namespace {

std::string protocol_name(std::uint8_t number) {
  switch (number) {
    case IPPROTO_TCP:
      return "TCP";
    case IPPROTO_UDP:
      return "UDP";
    case IPPROTO_SCTP:
      return "SCTP";
    case IPPROTO_ICMP:
      return "ICMP";
    case IPPROTO_ICMPV6:
      return "ICMPv6";
    default:
      return std::to_string(number);
  }
}

std::string with_port(const Ip& ip, std::uint16_t port) {
  return port == 0 ? to_string(ip) : to_string(ip, Port{port});
}

/// Its name, or its number where it is gone.
std::string interface_name(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(index, name.data()) == nullptr) return std::to_string(index);
  return name.data();
}

}  // namespace

void RecentDrops::add(std::vector<DropRecord> drops) {
  for (DropRecord& drop : drops) drops_.push_back(std::move(drop));
  while (drops_.size() > kKept) drops_.pop_front();
}

boost::json::object RecentDrops::json(const Now& now) const {
  boost::json::array rows;
  for (const DropRecord& drop : drops_) {
    const auto age = now.steady.time_since_epoch() - drop.since_boot;
    const Time when = now.wall - std::chrono::duration_cast<Time::duration>(age);
    rows.push_back(
        boost::json::object{{"time", format_micro_time(when)},
                            {"protocol", protocol_name(drop.protocol)},
                            {"source", with_port(drop.source, drop.source_port)},
                            {"destination", with_port(drop.destination, drop.destination_port)},
                            {"reason", drop.reason},
                            {"hook", drop.hook},
                            {"interface", interface_name(drop.interface)},
                            {"suppressed", drop.suppressed}});
  }
  return {{"drops", std::move(rows)}};
}

}  // namespace fairlead
