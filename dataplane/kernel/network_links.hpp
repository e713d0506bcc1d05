// The interfaces of a network namespace, and when they change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/kernel/netlink.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead {

struct NetworkLink {
  int index = 0;
  std::string name;
  std::string kind;      // "veth", "bridge"; empty: hardware, loopback
  bool has_mac = false;  // frames begin with an Ethernet header
  bool is_loopback = false;
  bool is_up = false;
  bool is_hardware = false;          // of a bus
  int master = 0;                    // the bridge or bond that it is a port of; 0: none
  bool peer_is_elsewhere = false;    // veth: its other end is in another network namespace
  bool has_queue = false;            // somebody made it hold back what it sends
  std::vector<Ip> addresses;         // in the kernel's order
  std::vector<Ip> global_addresses;  // of scope global, fit to send from
  bool operator==(const NetworkLink&) const = default;
};

/// All of the calling thread's network namespace, by index.
Result<std::vector<NetworkLink>> read_network_links();
/// Indices of the links that default routes of the main table lead to.
Result<std::vector<int>> read_default_route_links();

/// Links and addresses that come, go or change.
class LinkMonitor {
 public:
  /// The network namespace is the calling thread's, for good.
  static Result<LinkMonitor> open();
  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// Takes what fd() has, without waiting. True: there was something; what holds now is to be read.
  Result<bool> drain();

 private:
  explicit LinkMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace fairlead
