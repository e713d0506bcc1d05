// The server in a lab pod: says who it is and whom it sees.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::lab {

struct EchoOptions {
  std::string name;
  std::vector<Port> tcp;
  std::vector<Port> udp;
  /// After SIGTERM it goes on serving until no client has come for `quiet`, at most `drain` long:
  /// what a well-behaved pod does while the nodes learn that it is leaving.
  std::chrono::milliseconds quiet{500};
  std::chrono::milliseconds drain{5000};
};

/// Answers `NAME CLIENT_IP CLIENT_PORT\n`: TCP on connect, then echoes whatever comes; UDP to each
/// datagram, from the address that the datagram was sent to. A datagram that begins with "flow " is
/// in the answer too: `NAME CLIENT_IP CLIENT_PORT flow …\n`. Returns after SIGTERM or SIGINT.
Result<> run_echo(const EchoOptions& options);

}  // namespace fairlead::lab
