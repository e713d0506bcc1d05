// The one interface that the agent has to a datapath. Behind it are four files a datapath: compile,
// tables, kernel, datapath.
//
//   start:   resync(plan)      reads the kernel, adopts what is ours, writes only what differs
//   change:  apply(changes)    one atomic transaction, as large as the change
//   foreign: foreign_change()  somebody else touched what is ours -> resync
//   end:     nothing; the kernel's state belongs to the node. cleanup() only when the operator
//   asks.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

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

  /// Becomes readable when the kernel reports a change of our objects; -1 if this datapath has
  /// none.
  [[nodiscard]] virtual int monitor_fd() const = 0;
  /// Reads what monitor_fd() has, without waiting. True: somebody other than us changed what is
  /// ours, or messages were lost.
  virtual Result<bool> foreign_change() = 0;

  /// Removes everything of ours from the kernel. Succeeds if there was nothing.
  virtual Result<> cleanup() = 0;
};

}  // namespace fairlead
