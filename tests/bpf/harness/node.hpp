// A node with the programs loaded: packets arrive and leave, and what became of them is held
// against what should have.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>

#include "tests/bpf/harness/network.hpp"
#include "tests/bpf/harness/tables.hpp"

namespace fairlead::test {

enum class Fate { kPassed, kDropped, kRedirected, kSentBack };
std::string to_string(Fate fate);

/// What the programs made of a packet.
struct Outcome {
  Fate fate = Fate::kPassed;  // kPassed: it goes on into the host's stack, or onto the wire
  Frame frame;                // as it goes on; of no meaning when dropped
};

/// Where ingress programs run on eth0. With XDP, tc sees what XDP passes on, as in a kernel.
enum class Ingress { kXdp, kTc };

class Node {
 public:
  /// Loads the packet programs. Failures are GoogleTest failures.
  explicit Node(const Sizes& sizes = {});

  [[nodiscard]] bool is_loaded() const { return programs_ != nullptr; }
  [[nodiscard]] const Programs& programs() const { return *programs_; }
  [[nodiscard]] Tables& tables() { return *tables_; }

  /// Tables as those of a node with its links and no Service.
  void reset();

  Outcome arrive(const Frame& frame, Ingress ingress, std::uint32_t interface = kEth0);
  Outcome leave(const Frame& frame, std::uint32_t interface);
  /// `fairlead explain`: what would happen to a packet that arrives.
  fl_trace explain(const Frame& frame, std::uint32_t interface);

 private:
  std::unique_ptr<Programs> programs_;
  std::unique_ptr<Tables> tables_;
};

}  // namespace fairlead::test
