// A node of pods with the eBPF datapath: attachments, programs, and what passes the host's stack.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/podnet/attachments.hpp"
#include "tests/netns/cluster/bpf_home.hpp"
#include "tests/netns/cluster/namespaces.hpp"

namespace fairlead::test {

/// Addresses are given from 10.244.<number>.0/24 and fd00:244:<number>::/64. Everything is gone
/// when it is.
class PodNode {
 public:
  /// Failures are GoogleTest failures.
  explicit PodNode(int number);
  ~PodNode();
  PodNode(const PodNode&) = delete;
  PodNode& operator=(const PodNode&) = delete;

  [[nodiscard]] const Namespace& space() const { return space_; }
  [[nodiscard]] Datapath& datapath() { return *datapath_; }

  /// A namespace with a link, addresses and routes.
  const Namespace& add_pod(const std::string& name);
  [[nodiscard]] const podnet::Attachment& pod(const std::string& name) const {
    return attached_.at(name);
  }
  [[nodiscard]] const Ip& address_of(const std::string& name, Family family) const;
  void delete_pod(const std::string& name);

  /// The datapath of another agent, which knows nothing yet; the one before ends.
  void start_agent(bool forward_by_stack = false);
  /// Tells the datapath what there is, and lets it look at the links.
  void settle(const std::vector<std::string>& shaped = {});
  void tell_pods(const std::vector<std::string>& shaped = {});
  /// What the datapath is told of it from now on.
  void set_tunnel(std::optional<Tunnel> tunnel) { tunnel_ = std::move(tunnel); }

  /// Packets that the host's stack has forwarded, and those that went past it.
  [[nodiscard]] std::uint64_t by_stack() const;
  [[nodiscard]] std::uint64_t past_stack() const;

 private:
  void open();

  Namespace space_;
  std::string directory_;
  std::vector<Cidr> ranges_;
  std::unique_ptr<BpfFilesystem> bpffs_;
  std::unique_ptr<Cgroup> cgroup_;
  std::unique_ptr<podnet::Attachments> attachments_;
  std::unique_ptr<Datapath> datapath_;
  std::map<std::string, Namespace> pods_;
  std::map<std::string, podnet::Attachment> attached_;
  std::optional<Tunnel> tunnel_;
};

}  // namespace fairlead::test
