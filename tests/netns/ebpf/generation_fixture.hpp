// eBPF datapaths one after the other on the same pins, as agents that are started anew with other
// options or of another version; what they have pinned, and its age.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/abi/config.h"
#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/kernel/bpf_map.hpp"
#include "tests/netns/cluster/cluster.hpp"
#include "tests/netns/ebpf/client.hpp"

namespace fairlead::test {

class GenerationTest : public ClusterTest, public testing::WithParamInterface<Family> {
 protected:
  GenerationTest() : ClusterTest(DatapathKind::kEbpf) {}
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] static Family family() { return GetParam(); }
  const Addresses at = addresses_of(family());

  /// What else a test wants of its agents.
  virtual void adjust(ebpf::Options&) const {}
  /// In the node's namespace. Each number of flows is a generation of its own. What it reports is
  /// in `reported`.
  [[nodiscard]] std::unique_ptr<Datapath> open(std::uint32_t flows);
  /// An agent with the other number of flows takes over; the one before ends.
  void start_agent(std::uint32_t flows, const Plan& plan);

  /// A TCP and a UDP Service at port 80 and NodePort 30080. `serving`: UDP's draining backends.
  [[nodiscard]] static Plan plan_to(std::string_view pod, std::vector<Ip> serving = {});

  /// Names of the directories.
  [[nodiscard]] std::vector<std::string> generations() const;
  [[nodiscard]] std::string path_of(const std::string& generation) const;
  /// Programs at the node's link to the outside, and at connect().
  [[nodiscard]] std::size_t programs_at_link() const;
  [[nodiscard]] static std::size_t programs_at_connect();

  [[nodiscard]] BpfMapping memory_of(const std::string& generation, const char* map) const;
  [[nodiscard]] static fl_config_head& head_in(const BpfMapping& config);
  /// As if no packet had come for longer than any timeout.
  void age_flows(const std::string& generation) const;

  std::vector<std::string> reported;

 private:
  std::unique_ptr<BpfFilesystem> bpffs_;
};

/// Clients of both Services by every path: from outside by packets, from the node and a pod by
/// their sockets.
class Clients {
 public:
  Clients(const Namespace& outside, const Namespace& node, const Namespace& pod,
          const Addresses& at);

  /// Data goes to this backend and back, and who asks for its peer hears the Service's name.
  void expect_all_at(const std::string& server);
  /// Of some alone.
  void expect_outside_at(const std::string& server);
  void expect_sockets_at(const std::string& server);
  void close_sockets() { sockets_.clear(); }

 private:
  struct Socket {
    Client client;
    bool is_connected;
  };
  void open_socket(const Namespace& where, Protocol protocol, bool connect);

  Endpoint service_;
  std::vector<Connection> outside_;
  std::vector<Socket> sockets_;
};

}  // namespace fairlead::test
