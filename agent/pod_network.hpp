// The pod network of a running agent: what the CNI plugin asks for, what keeps it, and what
// connects the nodes.
//
//   fairlead-cni -> CniServer -> Attachments <- AttachmentKeeper <- kernel's notifications
//   Nodes -> own podCIDRs -> Attachments, conflist          Nodes -> PodRoutes -> kernel
//   attachments changed -> whoever serves pods (datapath, host ports)
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/attachment_keeper.hpp"
#include "agent/cni_server.hpp"
#include "agent/config.hpp"
#include "agent/pod_routes.hpp"
#include "dataplane/podnet/attachments.hpp"
#include "log/log.hpp"
#include "model/object.hpp"

namespace fairlead {

class PodNetwork {
 public:
  /// What can fail is opened first; also puts right what the last agent left.
  struct Opened {
    std::unique_ptr<podnet::Attachments> attachments;
    podnet::AttachmentMonitor monitor;
    std::unique_ptr<podnet::Network> network;
  };
  static Result<Opened> open(const AgentConfig& config, const log::Logger& log);

  /// `changed`: pods came or went, or the Nodes' podCIDRs or the way to them are others.
  PodNetwork(boost::asio::io_context& io, const AgentConfig& config, log::Logger log, Opened opened,
             std::function<void()> changed);
  PodNetwork(PodNetwork&&) = delete;

  /// Plugins are answered from here on.
  Result<> start();
  /// Each runs until stop(); its name is for a message.
  struct Task {
    std::string_view name;
    boost::asio::awaitable<void> run;
  };
  std::vector<Task> tasks();
  void stop();

  void node(const Node& node);
  void node_gone(const std::string& name);
  /// All Nodes have been told once.
  void nodes_listed();

  [[nodiscard]] std::vector<podnet::Attachment> attachments() const { return attachments_->all(); }
  /// Of all nodes, as far as they are known.
  [[nodiscard]] std::vector<Cidr> cluster_pod_cidrs() const;
  [[nodiscard]] const std::optional<Tunnel>& tunnel() const { return routes_.tunnel(); }
  [[nodiscard]] const std::vector<Cidr>& own_pod_cidrs() const { return own_pod_cidrs_; }

 private:
  void set_own_node(const Node* node);
  void offer();
  void attachments_changed();
  CniServerOptions server_options();

  AgentConfig config_;
  log::Logger log_;
  std::function<void()> changed_;
  std::unique_ptr<podnet::Attachments> attachments_;
  std::map<std::string, std::vector<Cidr>> pod_cidrs_;  // by node
  std::vector<Cidr> own_pod_cidrs_;
  AttachmentKeeper keeper_;
  PodRoutes routes_;
  CniServer server_;
};

/// Removes everything of the pod network from the kernel, and the conflist. The pods' book, too.
Result<> clean_up_pod_network(const AgentConfig& config, const log::Logger& log);

}  // namespace fairlead
