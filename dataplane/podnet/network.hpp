// What connects the nodes: Nodes -> overlay and rules -> kernel, and what others do to them there.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/podnet/overlay.hpp"
#include "dataplane/podnet/rules.hpp"
#include "model/object.hpp"
#include "model/result.hpp"

namespace fairlead::podnet {

/// All that decides what the kernel shall hold.
struct NetworkPlan {
  std::string own_node;
  std::map<std::string, Node> nodes;  // all of the cluster, this one included
  std::vector<Cidr> own_pod_cidrs;
  OverlayOptions overlay;
  MasqueradeOptions masquerade;
};

struct NetworkReport {
  std::size_t added = 0, removed = 0;  // entries, routes and addresses
  std::size_t rules_written = 0;       // elements, rules and sets
  bool device_made = false;
  /// As the kernel has it now; nullopt: there is none.
  std::optional<VxlanDevice> device = {};
  std::vector<Forwarding> forwarding = {};
  std::vector<std::string> settings;  // that were changed: "net/ipv4/ip_forward = 1"
  std::vector<std::string> problems;  // what was left out or stays undone, and why
};

/// Not thread-safe. Made in the node's network namespace, and used by threads in it.
class Network {
 public:
  virtual ~Network() = default;

  /// Reads the kernel and makes it as `plan` says. An error is of the first thing that was refused;
  /// without the filter no VXLAN device is made.
  virtual Result<NetworkReport> apply(const NetworkPlan& plan) = 0;

  /// Readable when something of ours may have changed; foreign_change() then says whether it did,
  /// without waiting. True after own changes as well, in part; the next apply() then changes
  /// nothing.
  [[nodiscard]] virtual int monitor_fd() const = 0;
  virtual Result<bool> foreign_change() = 0;

  /// Removes everything of ours but settings.
  virtual Result<> clean_up() = 0;
};

Result<std::unique_ptr<Network>> open_network();

}  // namespace fairlead::podnet
