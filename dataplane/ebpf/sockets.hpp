// Sockets that talk to a backend which is gone.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bpf/abi/sockets.h"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::ebpf {

/// Of UDP.
struct DeadBackend {
  Ip address;
  Port port;
};

/// File descriptors that outlive the call.
struct SocketTables {
  /// Program `fairlead_dead_sockets`, and map `dead_backends` that it looks into. It holds the
  /// backends of one call only: else it would be a trap, as their addresses may be new pods' now.
  int iterator = -1;
  int dead_backends = -1;
  /// Maps `sockets`, of the generation that serves and of those that drain.
  std::vector<int> sockets;
  /// Maps `dead_backends` of generations that drain. The backends of all calls stay there, where
  /// sendmsg() looks: nothing that is translated to them began later.
  std::vector<int> draining;
};

/// Ends every UDP socket that is connected, through one of our frontends, to one of `dead`, in all
/// network namespaces: what it does next fails at once with ECONNABORTED, and the application
/// connects anew. Sockets that are not connected are spared: they move by themselves. Returns how
/// many were ended. An error (a kernel without CONFIG_INET_DIAG_DESTROY or CONFIG_INET_UDP_DIAG, a
/// namespace that is not to be entered) comes after everything else was tried.
///
/// Takes milliseconds, and a thread for each network namespace with such sockets: not for the event
/// loop. One call at a time for the same tables.
Result<std::size_t> end_sockets_of(std::span<const DeadBackend> dead, const SocketTables& tables);

/// The backends that UDP sockets are connected to, through one of our frontends, in all network
/// namespaces; sorted, each once. Takes as long as one look at every such socket. Not at the same
/// time as end_sockets_of().
Result<std::vector<fl_dead_key>> connected_backends(const SocketTables& tables);

}  // namespace fairlead::ebpf
