// What a generation of our own layout must still learn while it drains: UDP flows and sockets whose
// backend serves no more are not to be kept.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/ebpf/chores.hpp"
#include "dataplane/ebpf/flows.hpp"
#include "dataplane/ebpf/former_backends.hpp"
#include "dataplane/ebpf/kernel.hpp"
#include "dataplane/ebpf/services.hpp"
#include "dataplane/ebpf/sockets.hpp"
#include "dataplane/kernel/bpf_object.hpp"
#include "model/plan.hpp"

namespace fairlead::ebpf {

/// Opens a generation's map and looks whether it is what it should be.
Result<BpfMapHandle> open_map(const std::string& directory, const char* map, std::uint32_t type,
                              std::size_t least_bytes);

/// As a plan has it.
UdpServing udp_serving(const Plan& plan);

struct FormerTables {
  std::string directory;
  BpfMapHandle sockets, dead_backends;
  BpfMapping config_memory, flows4_memory, flows6_memory;
  FormerBackends backends;
  StaleFlows stale_flows;

  static Result<std::shared_ptr<FormerTables>> open(const std::string& directory);

  [[nodiscard]] const fl_timeouts& timeouts() const {
    return config_memory.elements<fl_config>().front().timeouts;
  }
  [[nodiscard]] std::span<fl_bucket4> flows4() const {
    return flows4_memory.elements<fl_bucket4>();
  }
  [[nodiscard]] std::span<fl_bucket6> flows6() const {
    return flows6_memory.elements<fl_bucket6>();
  }
};

using FormerTablesList = std::vector<std::shared_ptr<FormerTables>>;

/// Of all generations but `live` that are of our layout. Those that cannot be read are left out:
/// FormerGenerations tells of them.
Result<FormerTablesList> open_former_tables(const std::string& pin_directory,
                                            const std::string& live);
/// Has stale flows closed by a chore. `node_addresses`: sorted.
void close_stale_flows(const FormerTablesList& former, const FlowTargets& udp,
                       const std::vector<Ip>& node_addresses, Chores& chores);
/// Lets UDP's clients go from backends that `plan` does not have: at once. `iterators` are loaded.
Result<> release_unserved(const FormerTablesList& former, const Plan& plan,
                          const std::vector<Ip>& node_addresses, const BpfObject& iterators);

/// Those of `live`, which has the iterator, and of `former`.
SocketTables socket_tables(const BpfObject& live, const FormerTablesList& former);
std::vector<DeadBackend> dead_backends(std::span<const fl_dead_key> keys);

}  // namespace fairlead::ebpf
