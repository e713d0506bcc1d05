// What the agent would write, in the tests' own words: Services, frontends, the node.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bpf/abi/counters.h"
#include "bpf/abi/flows.h"
#include "bpf/abi/frontends.h"
#include "bpf/abi/pods.h"
#include "tests/bpf/harness/programs.hpp"

namespace fairlead::test {

fl_address abi_address(const Ip& ip);
Ip ip_of(const fl_address& address);
fl_prefix abi_prefix(const Cidr& cidr);

struct Target {
  Endpoint endpoint{};
  std::uint16_t weight = 1;
  bool local = false;
};

struct Service {
  std::uint64_t id = 0x5e41ceULL;  // of its name
  Protocol protocol = Protocol::kTcp;
  std::vector<Target> cluster{}, local{};
  std::uint32_t affinity_seconds = 0;
  fl_algorithm algorithm = FL_ALGORITHM_RANDOM;
  bool has_maglev = false;
};

/// Bits of fl_verdict and fl_action.
struct Verdicts {
  std::uint8_t internal = FL_ACTION_FORWARD;
  std::uint8_t host = FL_ACTION_FORWARD;
  std::uint8_t external = FL_VERDICT_MASQUERADE;
};
inline constexpr Verdicts all_scopes(int verdict) {
  const auto bits = static_cast<std::uint8_t>(verdict);
  return {bits, bits, bits};
}

/// Writes the maps of `programs`, which must outlive it. Everything is forgotten by clear().
class Tables {
 public:
  explicit Tables(const Programs& programs) : programs_(&programs) {}

  /// Writes a block; its index. Nothing names it yet.
  std::uint32_t add(const Service& service);
  /// A NodePort has the unspecified address. Replaces what was there.
  void publish(const Endpoint& frontend, Protocol protocol, std::uint32_t block, Verdicts verdicts,
               int bits = 0);
  void retract(const Endpoint& frontend, Protocol protocol);
  /// The address is a ClusterIP, or one that NodePorts are open on: enum fl_address_bits.
  void mark(const Ip& address, int bits);
  /// The endpoint is no backend of the Service any more: no affinity leads there.
  void forget_member(const Service& service, const Endpoint& endpoint);
  void allow(const Service& service, const Cidr& range);

  [[nodiscard]] fl_config& config() const { return programs_->mapped<fl_config>("config").front(); }
  /// A pod of this node: flags of enum fl_pod_flags.
  void add_pod(const Ip& address, std::uint32_t interface, std::uint32_t flags = 0);
  void add_pod_network(const Cidr& range);
  void set_tunnel(const fl_tunnel& tunnel);
  void add_tunnel_node(const Mac& device, const Ip& node);
  void set_interface(std::uint32_t ifindex, const fl_interface& interface);

  /// Sum over all CPUs.
  [[nodiscard]] std::uint64_t counter(std::uint32_t which) const;
  [[nodiscard]] std::uint64_t drops(fl_drop reason) const {
    return counter(FL_COUNT_DROPS_FIRST + static_cast<std::uint32_t>(reason));
  }
  [[nodiscard]] fl_trace trace() const;

  void wipe_flows() const;
  /// All entries of the flow table of a family that are not empty.
  [[nodiscard]] std::vector<fl_flow4*> flows4() const;
  [[nodiscard]] std::vector<fl_flow6*> flows6() const;
  /// The last packets of all flows were `ticks` ago.
  void age_flows(std::uint32_t ticks) const;

  /// Bytes of all maps that programs write for flows: to see that nothing has changed.
  [[nodiscard]] std::string snapshot() const;

  void clear();

 private:
  void write(const char* map, const void* key, const void* value) const;
  void filter(const Ip& address) const;

  const Programs* programs_;
  std::uint32_t next_record_ = 1;
  std::uint16_t pods_epoch_ = 0;  // never one that was before
};

}  // namespace fairlead::test
