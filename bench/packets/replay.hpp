// Runs a program many times on packets of many flows: see replay.bpf.c for how.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/packets/frames.hpp"
#include "bench/packets/replay.h"
#include "dataplane/kernel/bpf_object.hpp"

namespace fairlead::bench {

/// How packets come to a program. kXdpUnwrapped is XDP, and the outer IPv4 header that the program
/// has put on is taken off before the next packet.
enum class Hook : std::uint8_t { kXdp, kTc, kXdpUnwrapped };

struct Run {
  double ns = 0;              // CPU time of a packet
  std::uint32_t verdict = 0;  // of the last one
};

/// One packet through a program, which may change it.
struct Passed {
  std::uint32_t verdict = 0;
  Frame frame;
};

class Replay {
 public:
  /// `interface` is where the packets come from: an ifindex of the calling process's namespace. XDP
  /// needs a program of its own on that device.
  explicit Replay(int interface);

  [[nodiscard]] const BpfObject& object() const { return object_; }
  [[nodiscard]] int empty_program(Hook hook) const;
  /// For kXdpUnwrapped: does nothing but put on as many bytes as are taken off.
  [[nodiscard]] int wrapping_program() const;

  Passed once(Hook hook, int program, const Frame& frame) const;
  /// The same packet again and again, not restored: for programs that leave it alone.
  Run same(Hook hook, int program, const Frame& frame, std::uint32_t times) const;
  /// The packets of `tuples` in turn, at most REPLAY_VARIANTS and a power of two. IPv6 addresses
  /// differ only in their last 32 bits. The cost of restoring is part of the figure.
  Run in_turn(Hook hook, int program, const std::vector<Tuple>& tuples, std::uint8_t flags,
              std::uint32_t times);

 private:
  [[nodiscard]] Run run(Hook hook, int program, const Frame& frame, std::uint32_t times,
                        Frame* out) const;
  BpfObject object_;
  int interface_;
  variant* variants_;
};

}  // namespace fairlead::bench
