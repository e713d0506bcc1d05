// The one interface that the agent has to a datapath. Behind it are four files a datapath: compile,
// tables, kernel, datapath.
//
//   start:   resync(plan)      reads the kernel, adopts what is ours, writes only what differs
//   change:  apply(changes)    one atomic transaction, as large as the change
//   foreign: foreign_change()  somebody else touched what is ours -> resync
//   switch:  drain() on the datapath that was there before: what it has goes on, until nothing is
//   left look:    figures(), trace() end:     nothing; the kernel's state belongs to the node.
//   cleanup() only when the operator asks.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/plan.hpp"
#include "model/result.hpp"

namespace fairlead {

/// `want` is what the Service shall have now; empty removes it. It outlives the call only.
struct ServiceChange {
  ObjectName service;
  const ServicePlans* want = nullptr;
};

/// What a sync wrote. Zeroes: the kernel held it already.
struct SyncReport {
  std::size_t elements_added = 0;
  std::size_t elements_removed = 0;
  std::size_t transactions = 0;
};

/// How full a table of the kernel's is.
struct TableFigure {
  std::string name;
  std::uint64_t used = 0, capacity = 0;
  std::uint64_t bytes = 0;  // of kernel memory; 0: unknown
};
/// Counted since the datapath was made; it outlives the agent.
struct CounterFigure {
  std::string name;    // "flows_created"
  std::string reason;  // of drops, else empty
  std::uint64_t value = 0;
};
struct DatapathFigures {
  std::vector<TableFigure> tables;
  std::vector<CounterFigure> counters;
};

/// A pod of this node, with a link of its own.
struct LocalPod {
  std::vector<Ip> ips;
  std::string link;        // name of the node's end
  bool is_shaped = false;  // the link's filters and qdiscs are to see all that it sends and gets
  bool operator==(const LocalPod&) const = default;
};

/// The VXLAN device that other nodes' pods are reached by.
struct Tunnel {
  using Mac = std::array<std::uint8_t, 6>;
  std::string device;  // its name
  int underlay = 0;    // index of the link that its packets take; 0: routes decide each time
  Ip local;            // this node's address there
  std::uint32_t vni = 0;
  Port port;
  Mac mac{};
  std::vector<std::pair<Mac, Ip>> nodes;  // the other nodes' devices, and their addresses
  bool operator==(const Tunnel&) const = default;
};

/// The cluster's pods, as this node sees them.
struct ClusterPods {
  std::vector<LocalPod> local;
  std::vector<Cidr> networks;  // where addresses of pods are, of all nodes
  std::optional<Tunnel> tunnel = {};
};

/// A packet that was dropped, as it came.
struct DropRecord {
  std::chrono::nanoseconds since_boot{0};  // CLOCK_MONOTONIC
  Ip source, destination;
  std::uint16_t source_port = 0, destination_port = 0;  // 0 where the protocol has none
  std::uint8_t protocol = 0;                            // IANA's number
  std::string reason, hook;
  std::uint32_t interface = 0;   // index of where it came in
  std::uint32_t suppressed = 0;  // records that the rate limit kept back before this one
};

/// The first packet of a connection; `protocol` TCP: a SYN.
struct TracedPacket {
  Ip source, destination;
  Port source_port, destination_port;
  Protocol protocol = Protocol::kTcp;
};
/// What the kernel's own program did with it: one line for each decision, in their order.
struct Trace {
  std::vector<std::string> decisions;
  std::optional<Backend> backend;  // chosen for this packet
};

class Datapath {
 public:
  virtual ~Datapath() = default;

  /// "nftables", "ebpf", "ipvs", "dpdk": the value of `datapath:` in the configuration.
  [[nodiscard]] virtual std::string_view name() const = 0;

  /// Reads the kernel's state, keeps all of it that the plan wants, and writes the difference.
  /// Called at start, each minute, and after foreign_change(). Established connections are
  /// untouched.
  virtual Result<SyncReport> resync(const Plan& plan) = 0;

  /// Writes the named Services; resync must have succeeded once. All or nothing: on an error the
  /// kernel is as before, and the caller tries the same Services again, later or by resync.
  virtual Result<SyncReport> apply(std::span<const ServiceChange> changes) = 0;

  /// Packets between pods need not pass the host's stack. Replaces what was said before; by the
  /// thread of resync(), before or after it. A link that is not there yet counts from when it is.
  virtual Result<> set_pods(ClusterPods /*pods*/) { return {}; }

  /// Becomes readable when the kernel reports a change of our objects; -1 if this datapath has
  /// none.
  [[nodiscard]] virtual int monitor_fd() const = 0;
  /// Reads what monitor_fd() has, without waiting. True: somebody other than us changed what is
  /// ours, or messages were lost.
  virtual Result<bool> foreign_change() = 0;

  /// Another datapath takes new connections from now on: gives up all frontends, keeps every
  /// connection that it has translated. True: none was left, and all of it is removed. Called again
  /// from time to time until then, by whoever opened it only for this; resync() was never called.
  /// `now`: what the other one serves, of which UDP Services matter: their clients leave backends
  /// that serve no more.
  virtual Result<bool> drain(const Plan& now) = 0;

  /// These read the kernel alone: they may be called while another thread is in resync() or
  /// apply().
  virtual Result<DatapathFigures> figures() { return DatapathFigures{}; }
  /// Those since the last call, the oldest first; each is given once.
  virtual Result<std::vector<DropRecord>> take_drops() { return std::vector<DropRecord>{}; }
  /// nullopt: this datapath cannot tell. Nothing is changed by it.
  virtual Result<std::optional<Trace>> trace(const TracedPacket&) { return std::optional<Trace>{}; }

  /// Removes everything of ours from the kernel. Succeeds if there was nothing.
  virtual Result<> cleanup() = 0;
};

}  // namespace fairlead
