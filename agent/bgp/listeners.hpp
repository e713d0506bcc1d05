// The sockets that peers connect to. The agent binds them, as a port below 1024 needs a right that
// the speaker does not have.
#pragma once

#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::bgp {

/// `addresses`: empty: all of the node, of both families as far as it has them. Non-blocking, and
/// close-on-exec. The error names the address and the port.
Result<std::vector<Fd>> open_listeners(const std::vector<Ip>& addresses, Port port);

}  // namespace fairlead::bgp
