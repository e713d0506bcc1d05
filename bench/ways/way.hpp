// The ways that a connection to a Service can take through a node: our datapaths and the peers',
// all programmed from the same Plan.
//
//   Plan -> rules in the shape that the peer gives them (pure) -> the peer's own tool -> kernel
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/plan.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

/// What ways need of where they run. Each node of a world has its own.
struct Place {
  std::string pin_directory;  // on a bpffs; need not exist
  std::string cgroup;         // v2: whose sockets are translated
  std::string scratch;        // a directory for files
};

/// What installing or changing took.
struct Cost {
  double seconds = 0;      // until the kernel has it, the tool's own time included
  double cpu_seconds = 0;  // of the tool's processes or ours; user and system
};

/// Called in the node's network namespace; the calling thread's.
class Way {
 public:
  virtual ~Way() = default;
  /// "direct", "direct again", "ebpf", "nftables", "kube-proxy iptables-legacy", "kube-proxy
  /// iptables-nft", "kube-proxy nftables 1.35", "kube-proxy nftables 1.36", "kube-proxy ipvs",
  /// "kube-proxy PATH".
  [[nodiscard]] virtual std::string name() const = 0;
  /// Connections go to the pods' own addresses.
  [[nodiscard]] virtual bool is_direct() const { return false; }
  /// Why it cannot be measured here; nothing where it can. Changes nothing.
  [[nodiscard]] virtual std::optional<std::string> missing() const = 0;
  /// Into a namespace that has nothing yet. The Plan outlives the way.
  virtual Result<Cost> install(const Plan& plan) = 0;
  /// `plan` is the one of install() with other backends for the Service `name`.
  virtual Result<Cost> change(const Plan& plan, const ObjectName& name) = 0;
  /// Kernel memory of its tables, where the kernel says it: of BPF maps. Of rules it does not, and
  /// how much memory is free before and after is no measure of tables of this size.
  [[nodiscard]] virtual std::optional<std::uint64_t> kernel_bytes() const { return std::nullopt; }
  /// What of it is not gone with the network namespace.
  virtual Result<> remove() { return {}; }
};

/// Told of what goes wrong beside an installation or a change; from any thread.
using Report = std::function<void(const Error&)>;

struct WaysOptions {
  std::string kube_proxy;                    // path of a real one; empty: none
  std::string kube_proxy_mode = "iptables";  // its --proxy-mode
  std::string control_plane;                 // path of `fairlead`, which serves the API to it
  Report report = [](const Error&) {};
};
/// By name, with the place where it will run. Errors: no such way.
Result<std::unique_ptr<Way>> make_way(const std::string& name, const Place& place,
                                      const WaysOptions& options);
/// All names, the direct ones first; a real kube-proxy only where its path is given.
std::vector<std::string> way_names(const WaysOptions& options);

}  // namespace fairlead::bench
