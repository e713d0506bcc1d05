// The eBPF datapath with Services in it, in a network namespace of its own, and a way to its
// programs and maps.
//
//   wire 198.18.0.1, 2001:db8::1 --- gateway 198.18.0.254, 2001:db8::fe: the way to everybody,
//   clients and pods alike
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bench/packets/balancer.hpp"

namespace fairlead::bench {

inline constexpr Port kNodePort{30080};
/// The measured Service has so many backends in each family, all on other nodes.
inline constexpr std::uint32_t kBackends = 10;

/// "wire", up, with neighbours and routes, and an XDP program on it. Its ifindex.
int make_wire();
Ip node_address(Family family);
/// A client's. Numbers below 2^24.
Ip client_address(Family family, std::uint32_t number);

class OwnBalancer final : public Balancer {
 public:
  /// On "wire"; `services` of three endpoints, the measured one among them. Everything below
  /// `directory`, which is made, and is on a bpffs.
  OwnBalancer(std::uint32_t services, const std::string& directory);
  ~OwnBalancer() override;
  OwnBalancer(const OwnBalancer&) = delete;
  OwnBalancer& operator=(const OwnBalancer&) = delete;

  [[nodiscard]] int program(Hook hook) const override;
  [[nodiscard]] Work work() const override;
  void wait_until_ready() override;
  [[nodiscard]] std::string details() const override;
  void forget_flows(Family family) override;
  void recall_flows(Family family) override;

 private:
  struct Objects;
  std::unique_ptr<Objects> objects_;
};

}  // namespace fairlead::bench
