// `fairlead bgp-speaker` as a child of the agent, with nothing that it does not need.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead::bgp {

struct SpeakerCommand {
  std::string program = "/proc/self/exe";
  /// Behind them: --control-fd FD, and --listen-fd FD for each listening socket.
  std::vector<std::string> arguments{"bgp-speaker"};
};

struct SpeakerProcess {
  pid_t pid = 0;
  Fd exit;     // readable once it has ended
  Fd control;  // our end of a socket pair, non-blocking
};

/// Its first descriptors: 0 to 2 are ours, 3 is its end of the pair, the listening sockets follow.
/// All others are closed. It has no capability and gets none by whatever it executes; its user is
/// nobody's if this process may become another; it dies with the calling thread; it leaves no core.
Result<SpeakerProcess> start_speaker(const SpeakerCommand& command, std::span<const Fd> listeners);

/// How a process that has ended did, "exit status 1" or "signal 9"; the zombie is gone after it.
std::string reap(pid_t pid);

}  // namespace fairlead::bgp
