// The agent of strawman.h: what our programs are compared with in the same run.
#pragma once

#include "bench/packets/balancer.hpp"

namespace fairlead::bench {

class Strawman final : public Balancer {
 public:
  /// `clients` flows will be opened, of client_address(0) and so on from port 40000.
  Strawman(const BpfObject& object, std::uint32_t services, std::uint32_t clients);

  [[nodiscard]] int program(Hook hook) const override;
  [[nodiscard]] Work work() const override;
  void forget_flows(Family family) override;
  /// Nothing: the same clients get the same entries.
  void recall_flows(Family family) override;

 private:
  int program_, flows_, counts_;
  std::uint32_t clients_;
};

}  // namespace fairlead::bench
