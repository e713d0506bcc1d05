// What client and server say to each other. The first byte of a connection or of a datagram says
// what the server does with the rest:
//
//   echo      send all back, until the client closes
//   sink      receive, until the client closes
//   control   each byte is a question; the answer is a line, the server's Counts
//
// "Alone" is the same from a client that has one connection and no other: the server serves it with
// blocking calls, as a loop of send and recv would, without asking epoll before each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.hpp"

namespace fairlead::bench {

enum class Kind : char {
  kEcho = 'e',
  kEchoAlone = 'E',
  kSink = 's',
  kSinkAlone = 'S',
  kControl = 'C',
};

inline constexpr std::size_t kWriteBytes = std::size_t{64} << 10;
inline constexpr char kQuestion = '?';

/// What all threads of a server have seen since they run.
struct Counts {
  std::uint64_t accepted = 0;        // connections, those of control included
  std::uint64_t received_bytes = 0;  // over TCP
  std::uint64_t datagrams = 0;       // of either kind
  double cpu_seconds = 0;            // of the threads that serve; control is none of them
  bool operator==(const Counts&) const = default;
};
/// One line, its end included.
std::string to_line(const Counts& counts);
Result<Counts> parse_counts(std::string_view line);

}  // namespace fairlead::bench
