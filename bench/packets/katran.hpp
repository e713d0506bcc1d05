// katran (github.com/facebookincubator/katran), as its users build it, to compare ours with.
//
//   balancer.bpf.o, unmodified -> its maps filled as its own agent does -> one more Balancer
//
// katran encapsulates towards its backends (IP in IP), and these answer the clients themselves: no
// reply passes it, no route is asked for, nothing of the packet is rewritten.
#pragma once

#include <cstdint>
#include <string>

#include "bench/packets/balancer.hpp"
#include "dataplane/kernel/bpf_object.hpp"
#include "dataplane/kernel/fd.hpp"

namespace fairlead::bench {

/// katran's table of flows. Nothing in it expires: it is full once it has seen as many flows.
struct KatranTable {
  std::uint32_t entries = 0;
  bool full = false;
};

class Katran final : public Balancer {
 public:
  /// `file` is the object. `services` of which it takes as many as it has room for (512 by
  /// default), the measured one among them, with kBackends backends. It has one table a CPU, so the
  /// calling process stays on the CPU where it is. `clients` flows will be opened, of
  /// client_address(0) and so on from port 40000.
  Katran(const std::string& file, std::uint32_t services, std::uint32_t clients, KatranTable table);

  [[nodiscard]] int program(Hook hook) const override;
  /// `other` counts a packet more than once where katran does.
  [[nodiscard]] Work work() const override;
  [[nodiscard]] std::string details() const override;
  /// Also begins a new second for katran's limit of 125,000 new flows.
  void forget_flows(Family family) override;
  /// Nothing: the same clients get the same entries. Fails if one was not made: katran refuses to
  /// where it sees a flood.
  void recall_flows(Family family) override;

 private:
  /// A counter of katran's: packets or events, and bytes or other events.
  struct Counter {
    std::uint64_t first = 0, second = 0;
  };
  void add_services(std::uint32_t services);
  void add_backends();
  void add_table();
  void add_other_flows(std::uint32_t count);
  [[nodiscard]] Counter counter(std::uint32_t index) const;
  [[nodiscard]] Counter global_counter(std::uint32_t index) const;

  BpfObject object_;
  std::uint32_t room_ = 0;  // for Services
  std::uint32_t clients_, other_flows_ = 0;
  KatranTable kind_;
  Fd table_;
};

}  // namespace fairlead::bench
