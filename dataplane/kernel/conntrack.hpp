// Connection tracking: list entries, and delete one.
#pragma once

#include <cstdint>
#include <functional>

#include "dataplane/kernel/netlink.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Asks ctnetlink something small: where connection tracking is a module that is not loaded, the
/// kernel loads it before it answers. Needs CAP_NET_ADMIN. An error: there is none, or it cannot be
/// loaded.
Result<> load_conntrack();

struct ConntrackEntry {
  Protocol protocol = Protocol::kUdp;
  Ip source, destination;  // as the client sent it
  Port source_port, destination_port;
  Ip reply_source;             // who answers: the backend, where the destination was translated
  bool is_translated = false;  // its destination was
  bool is_answered = false;    // a packet has come back
  std::uint32_t id = 0;
  std::uint16_t zone = 0;
};

enum class ConntrackSelection : std::uint8_t {
  kAll,
  kUntouched,  // neither translated nor answered
};

/// Calls `visit` for each selected entry of a family and protocol. `socket`: of NETLINK_NETFILTER.
Result<> list_conntrack(NetlinkSocket& socket, Family family, Protocol protocol,
                        ConntrackSelection selection,
                        const std::function<void(const ConntrackEntry&)>& visit);

/// An entry that is gone already is success.
Result<> delete_conntrack(NetlinkSocket& socket, const ConntrackEntry& entry);

}  // namespace fairlead
