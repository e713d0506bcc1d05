// Services by eBPF: translated at connect() for sockets below the cgroup, by tc and XDP for packets
// from elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/datapath.hpp"
#include "model/ip.hpp"

namespace fairlead::ebpf {

/// Where the XDP program is attached. kAuto: to hardware whose driver does it natively; not to
/// veth, where it costs more than it gives.
enum class XdpMode : std::uint8_t { kOff, kAuto, kNative };

struct PortRange {
  std::uint16_t first = 0, last = 0;  // inclusive, host byte order
  auto operator<=>(const PortRange&) const = default;
};

struct Options {
  /// A directory on a bpffs; made if missing. All pins are below it.
  std::string pin_directory = "/sys/fs/bpf/fairlead";
  /// Of cgroup v2, above all pods and the host's own programs.
  std::string cgroup = "/sys/fs/cgroup";
  XdpMode xdp = XdpMode::kAuto;
  /// Packets go through the host's stack once translated, where its filters see them. Sets
  /// net.ipv4.conf.all.accept_local, without which IPv4 drops those that are masqueraded.
  bool forward_by_stack = false;
  /// Flows that the tables have place for; rounded up to a power of two. 0: by the node's memory,
  /// at most 512 Ki (IPv4) and 128 Ki (IPv6).
  std::uint32_t flows_v4 = 0, flows_v6 = 0;
  /// Backends of all Services, with their headers and tables, in records of 32 bytes. 0: 1 Mi.
  std::uint32_t records = 0;
  std::uint32_t frontends = 0;   // 0: 256 Ki
  std::uint32_t affinities = 0;  // clients remembered; 0: 64 Ki
  /// Source ports of masqueraded connections. Outside of net.ipv4.ip_local_port_range and of the
  /// NodePorts.
  PortRange snat_ports{1024, 29999};
  /// Interfaces that are left alone: names, or prefixes that end in '*'.
  std::vector<std::string> skip_interfaces{"lo"};
  /// Told of what goes wrong beside a sync; may be called from another thread.
  std::function<void(const Error&)> report;
};

/// In the calling thread's network namespace. Loads nothing yet, but fails where this kernel lacks
/// something that has no substitute: the error says what.
Result<std::unique_ptr<Datapath>> make_datapath(Options options);

/// For who is about to serve with a datapath of these options: tells the node what it must be told
/// first, and reports what else is in the way. An error names the setting. In the calling thread's
/// network namespace.
Result<> prepare_node(const Options& options);

}  // namespace fairlead::ebpf
