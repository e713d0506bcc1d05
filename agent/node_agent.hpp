// The parts of a running agent and the arrows between them. Members are in the order of start; they
// end in reverse.
//
//   ClusterWatch -> ClusterEvents -> Planner, Reconciler -> ReconcileLoop -> Datapath -> kernel
//   first sync -> FormerDatapaths: what was in use before keeps its connections only
//   AddressMonitor -> Planner's options
//   Nodes -> PodNetwork <- fairlead-cni
//   BgpWatch -> BgpEvents: address pools, BGP's objects
//   Nodes, plans, BgpEvents -> BgpNode <-> fairlead bgp-speaker; BgpNode -> kernel
//   address pools, Services, endpoints, Nodes -> Layer2 -> ARP and NDP
//   Reconciler, Planner, ClusterWatch -> Health, Metrics, status -> health and metrics ports, admin
//   socket
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/bgp_events.hpp"
#include "agent/bgp_parts.hpp"
#include "agent/cluster_events.hpp"
#include "agent/config.hpp"
#include "agent/former_datapaths.hpp"
#include "agent/health.hpp"
#include "agent/layer2.hpp"
#include "agent/listeners.hpp"
#include "agent/metrics.hpp"
#include "agent/pod_network.hpp"
#include "agent/pod_registrar.hpp"
#include "agent/problems.hpp"
#include "agent/recent_drops.hpp"
#include "agent/reconcile_loop.hpp"
#include "agent/status.hpp"
#include "dataplane/kernel/address_monitor.hpp"
#include "log/log.hpp"

namespace fairlead {

class NodeAgent {
 public:
  /// What can fail is opened by the caller.
  struct Opened {
    std::unique_ptr<Datapath> datapath;
    std::vector<std::unique_ptr<Datapath>> former_datapaths;
    AddressMonitor addresses;
    std::vector<Ip> local_addresses;
    client::ClientConfig client;
    std::optional<PodNetwork::Opened> pod_network;     // nullopt: another plugin connects the pods
    std::unique_ptr<client::ApiClient> registrar_api;  // null: containers are not registered
    std::optional<bgp::BgpNode::Opened> bgp;           // nullopt: not spoken here
  };

  NodeAgent(boost::asio::io_context& io, const AgentConfig& config, BuildInfo build,
            log::Logger log, Opened opened);
  NodeAgent(NodeAgent&&) = delete;

  /// Listens, then lists and watches. The error of a port only with bindAddressHardFail.
  Result<> start(const std::string& socket_path);
  /// The io_context runs out of work a moment later. The kernel stays as it is.
  void stop();
  /// A part ended by an exception, which no part should; the agent stopped itself.
  [[nodiscard]] bool has_failed() const { return failed_; }

 private:
  void supervise(std::string_view name, boost::asio::awaitable<void> task);
  boost::asio::awaitable<void> watch_addresses();
  void refresh_options();
  void node_changed(const Node* node);
  void pods_changed();
  void take_pods();
  bgp::BgpNode::Owner bgp_owner();
  void guard_routes();
  PodRegistrarOptions registrar_options();
  Layer2::Parts layer2_parts();
  [[nodiscard]] ClusterPods pods() const;
  ClusterEvents::Parts event_parts();
  BgpEvents::Parts bgp_event_parts();

  void job_started(const Job& job);
  void job_finished(const SyncOutcome& outcome);
  void kernel_monitored(const Result<bool>& foreign_change);

  http::Handler health_pages();
  http::Handler metrics_pages();
  http::Handler admin_pages();
  http::Response health_page(bool is_healthz, const HealthAnswer& answer);
  std::string metrics_text();
  boost::asio::awaitable<http::Response> metrics_page();
  boost::asio::awaitable<http::Response> bgp_page(const http::Request& request);
  http::Response drops_page();
  http::Response drain_page();
  http::Response explain_page(const http::Request& request);

  boost::asio::io_context& io_;
  AgentConfig config_;
  BuildInfo build_;
  log::Logger log_;
  Time started_;

  std::unique_ptr<Datapath> datapath_;
  AddressMonitor addresses_;
  boost::asio::posix::stream_descriptor address_events_;
  std::vector<Ip> local_addresses_;
  std::optional<Node> node_;

  Planner planner_;
  Reconciler reconciler_;
  Health health_;
  Metrics metrics_;
  Problems problems_;
  TriggerTimes trigger_times_;
  SyncHistory history_;
  RecentDrops drops_;
  ReconcileLoop loop_;
  FormerDatapaths former_datapaths_;
  std::unique_ptr<PodNetwork> pod_network_;      // or none
  std::unique_ptr<PodRegistrar> pod_registrar_;  // or none
  std::unique_ptr<bgp::BgpNode> bgp_;            // or none
  Layer2 layer2_;

  Listener health_listener_;
  Listener metrics_listener_;
  http::Server admin_;

  ClusterEvents events_;
  client::ClusterWatch watch_;
  BgpEvents bgp_events_;
  client::BgpWatch bgp_watch_;
  bool pods_due_ = false;
  bool stopped_ = false;
  bool failed_ = false;
};

}  // namespace fairlead
