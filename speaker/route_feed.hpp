// Routes whose ways changed -> batches for the agent. While the agent reads slowly a prefix that
// changes again and again is kept a few times at most.
#pragma once

#include <vector>

#include "dataplane/bgp/routing_table.hpp"
#include "speaker/control_socket.hpp"

namespace fairlead::speaker {

class RouteFeed {
 public:
  /// Names the interface of a peer's link-local addresses.
  using InterfaceOf = std::function<std::string(bgp::PeerId)>;

  RouteFeed(ControlSocket& agent, InterfaceOf interface_of)
      : agent_(agent), interface_of_(std::move(interface_of)) {}

  void changed(const std::vector<bgp::Prefix>& prefixes);
  /// RestartOver follows what has changed until now.
  void restart_is_over() { over_due_ = true; }
  /// As much as the agent has room for.
  void pump(const bgp::RoutingTable& table);

 private:
  bgp::control::RoutesChanged next_batch(const bgp::RoutingTable& table);

  ControlSocket& agent_;
  InterfaceOf interface_of_;
  std::vector<bgp::Prefix> waiting_;  // the last is told first; repetitions do no harm
  std::size_t distinct_ = 0;          // of waiting_, when they were last counted
  bool over_due_ = false;
};

}  // namespace fairlead::speaker
