// Flows that stay: what "no connection was lost, none was moved" is judged by.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "lab/sockets.hpp"

namespace fairlead::lab {

struct FlowsOptions {
  Transport transport = Transport::kTcp;
  Target target;
  std::size_t flows = 100;
  /// UDP: flow N is bound to this port + N, and every second flow is not connected. 0: any ports.
  std::uint16_t first_port = 0;
  std::size_t chunk = 512;  // bytes of TCP data sent at a time
  std::chrono::milliseconds pause{250};
  /// TCP data that does not come back for so long is lost, and so is a datagram.
  std::chrono::milliseconds timeout{10000};
  // The end: whichever comes first. None: until SIGTERM or SIGINT.
  std::optional<std::chrono::milliseconds> duration;
  std::string until_file;
  std::string ready_file;  // made once every flow has heard from its backend
};

/// Opens all flows to an echo server (echo.hpp) and keeps them talking. TCP data is a sequence of
/// numbers that no other flow has, and each byte must come back in its place: since it went to the
/// server and returned, both ways are checked. A datagram carries its number, which must come back
/// once, from the address that was asked, by the backend that answered first.
///
/// Prints one JSON object:
/// {"flows", "opened", "sent", "checked", "answers": {BACKEND: n},
///  "broken": [{"flow", "kind", "atMs", "backend"}], "lost": n}
/// `sent` and `checked` count bytes of TCP and datagrams of UDP; `lost` counts datagrams without an
/// answer, which count as checked too. Kinds as in load.hpp, and: stalled (data did not come back),
/// corrupt (other bytes came back), moved (another backend answered), stranger (the answer's source
/// is not the target). True: all flows were opened, none is broken, nothing is lost, and everything
/// that was sent came back.
Result<bool> run_flows(const FlowsOptions& options);

}  // namespace fairlead::lab
