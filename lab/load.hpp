// A stream of new connections whose every outcome is counted: what "no connection fails" is judged
// by.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "lab/sockets.hpp"

namespace fairlead::lab {

struct LoadOptions {
  Transport transport = Transport::kTcp;
  Target target;
  std::size_t connections = 64;  // at once, at most
  double rate = 100;             // new ones a second
  std::size_t keep_open = 0;     // besides: opened first, and kept talking until the end
  std::chrono::milliseconds timeout{5000};
  // The end: whichever comes first. None: until SIGTERM or SIGINT.
  std::optional<std::chrono::milliseconds> duration;
  std::optional<std::uint64_t> count;
  std::string until_file;
};

/// Opens connections to an echo server (echo.hpp), checks the greeting and one echoed line of each,
/// and prints one JSON object:
/// {"attempts", "successes", "failures", "failuresByKind": {KIND: n}, "failureList": [{"kind",
/// "atMs", "backend"}],
///  "answers": {BACKEND: n}, "slowestMs", "long": {"opened", "messages", "answers": {BACKEND: n},
///  "broken": [{"kind", "atMs", "backend"}]}}
/// `atMs` is Unix time in milliseconds. attempts = successes + failures, always. Kinds: refused,
/// reset, closed, timeout, unreachable, wrong-answer, moved (a long exchange was answered by
/// another backend than at first), local (this side could not even try). True: at least one
/// success, no failure, none broken.
Result<bool> run_load(const LoadOptions& options);

/// Asks once, prints the greeting; an error names the kind of failure.
Result<> run_ask(Transport transport, const Target& target, std::chrono::milliseconds timeout);

}  // namespace fairlead::lab
