// The socket programs attached to a cgroup, their tables, and clients of that cgroup on a node and
// in its pods. No packet path: what the programs leave alone goes where its address says.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/kernel/bpf_link.hpp"
#include "dataplane/kernel/bpf_object.hpp"
#include "tests/netns/cluster/cluster.hpp"
#include "tests/netns/ebpf/client.hpp"
#include "tests/netns/ebpf/tables.hpp"

namespace fairlead::test {

/// Who asks, with which socket, for addresses of which family.
struct Asker {
  bool is_host = false;
  Family socket = Family::kIpv4;
  Family address = Family::kIpv4;
};
inline constexpr std::array kAskers{
    Asker{false, Family::kIpv4, Family::kIpv4}, Asker{false, Family::kIpv6, Family::kIpv6},
    Asker{false, Family::kIpv6, Family::kIpv4}, Asker{true, Family::kIpv4, Family::kIpv4},
    Asker{true, Family::kIpv6, Family::kIpv6},  Asker{true, Family::kIpv6, Family::kIpv4}};
std::string name_of(const Asker& asker);

class SocketTest : public ClusterTest {
 protected:
  SocketTest() : ClusterTest(DatapathKind::kEbpf) {}
  void SetUp() override;
  void TearDown() override;

  /// The counter's sum over all CPUs.
  [[nodiscard]] std::uint64_t counted(std::uint32_t counter) const;

  std::optional<BpfObject> object;
  std::optional<Tables> tables;

 private:
  void attach(const std::string& program, std::uint32_t attach_type);
  std::vector<BpfLink> links_;
};

class SocketTestOf : public SocketTest, public testing::WithParamInterface<Asker> {
 protected:
  const Asker asker = GetParam();
  const Family family = asker.address;
  const Addresses at = addresses_of(family);

  [[nodiscard]] Client client(Protocol protocol) const;
  [[nodiscard]] Backend pod(std::string_view name) const { return backend(name, family); }
  /// A Service of all three pods at the first ClusterIP, the balancer's address and NodePort 30080.
  [[nodiscard]] ServicePlan web(Protocol protocol) const;
};

}  // namespace fairlead::test
