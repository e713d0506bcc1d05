// Parts are made in the order of their arrows; what they tell each other passes here.
#include "agent/pod_network.hpp"

#include <filesystem>
#include <utility>

#include "agent/cni_config.hpp"
#include "agent/cni_deletions.hpp"
#include "agent/option_values.hpp"
#include "dataplane/podnet/pod_mtu.hpp"

namespace fairlead {
namespace {

constexpr const char* kBook = "/pods.db";

podnet::OverlayOptions overlay_options(const AgentConfig& config) {
  podnet::OverlayOptions options;
  options.mode = config.pod_network;
  options.vni = config.vxlan_vni;
  options.port = config.vxlan_port;
  options.direct_routing = config.vxlan_direct_routing;
  options.underlay = config.vxlan_underlay;
  if (config.pod_mtu != 0) options.mtu = config.pod_mtu;
  return options;
}

PodRoutesOptions routes_options(const AgentConfig& config) {
  PodRoutesOptions options{
      .own_node = config.node_name,
      .own_pod_cidrs = config.pod_cidrs,
      .overlay = overlay_options(config),
      .masquerade = {.on = config.pod_masquerade, .except = config.pod_no_masquerade},
      .times = {}};
  auto& except = options.masquerade.except;
  except.insert(except.end(), config.cluster_cidrs.begin(), config.cluster_cidrs.end());
  options.times.compare_period = config.compare_period;
  return options;
}

/// What decides the MTU beside the node itself.
std::string kind_of(const AgentConfig& config) {
  return option_values::print_one(config.pod_network) + "/" +
         option_values::print_one(config.vxlan_underlay) + "/" +
         option_values::print_one(config.pod_mtu);
}

podnet::Attachments::Warn warn_of(const log::Logger& log) {
  return [log](const std::string& line) { log.warn("pods' links", {{"pod", line}}); };
}

Result<std::unique_ptr<podnet::Attachments>> open_attachments(const AgentConfig& config,
                                                              const log::Logger& log) {
  std::error_code error;
  std::filesystem::create_directories(config.state_directory, error);
  if (error) return failure(error, "make " + config.state_directory);
  TRY(const std::uint32_t mtu, podnet::guess_pod_mtu(overlay_options(config)));
  // The Node says more; until then the last agent's hold.
  return podnet::Attachments::open({.book = config.state_directory + kBook,
                                    .kind = kind_of(config),
                                    .pod_cidrs = config.pod_cidrs,
                                    .mtu = mtu},
                                   warn_of(log));
}

}  // namespace

Result<PodNetwork::Opened> PodNetwork::open(const AgentConfig& config, const log::Logger& log) {
  TRY(auto monitor, podnet::AttachmentMonitor::open());
  TRY(auto attachments, open_attachments(config, log));
  TRY(auto network, podnet::open_network());
  return Opened{std::move(attachments), std::move(monitor), std::move(network)};
}

PodNetwork::PodNetwork(boost::asio::io_context& io, const AgentConfig& config, log::Logger log,
                       Opened opened, std::function<void()> changed)
    : config_(config),
      log_(std::move(log)),
      changed_(std::move(changed)),
      attachments_(std::move(opened.attachments)),
      own_pod_cidrs_(config.pod_cidrs),
      keeper_(io, *attachments_, std::move(opened.monitor), config.compare_period, log_,
              [this] { changed_(); }),
      routes_(io, routes_options(config), std::move(opened.network), log_, [this] { changed_(); }),
      server_(io, server_options()) {}

CniServerOptions PodNetwork::server_options() {
  return {.attachments = *attachments_,
          .on_added = [this](const podnet::Attachment&) { changed_(); },
          .on_removed =
              [this](const podnet::Attachment&) {
                keeper_.remove_soon();
                changed_();
              },
          .on_error =
              [this](const Error& error) {
                log_.warn("cni socket failed", {{"error", error}});
              }};
}

Result<> PodNetwork::start() {
  TRY_VOID(server_.listen(config_.runtime_directory + "/cni.sock"));
  TRY_VOID(carry_out_deletions(*attachments_, config_.state_directory, warn_of(log_)));
  keeper_.remove_soon();
  server_.start();
  offer();
  return {};
}

std::vector<PodNetwork::Task> PodNetwork::tasks() {
  std::vector<Task> tasks;
  tasks.push_back({"pods' links", keeper_.run()});
  tasks.push_back({"monitor of pods' links", keeper_.watch_kernel()});
  tasks.push_back({"pod routes", routes_.run()});
  tasks.push_back({"monitor of pod routes", routes_.watch_kernel()});
  return tasks;
}

void PodNetwork::stop() {
  server_.stop();
  routes_.stop();
  keeper_.stop();
}

void PodNetwork::node(const Node& node) {
  routes_.node(node);
  if (node.name == config_.node_name) set_own_node(&node);
  std::vector<Cidr>& cidrs = pod_cidrs_[node.name];
  if (cidrs == node.pod_cidrs) return;
  cidrs = node.pod_cidrs;
  changed_();
}

void PodNetwork::node_gone(const std::string& name) {
  routes_.node_gone(name);
  if (pod_cidrs_.erase(name) > 0) changed_();
}

void PodNetwork::nodes_listed() { routes_.synced(); }

/// A Node that is gone for a moment takes nothing from pods to come: its ranges stay ours.
void PodNetwork::set_own_node(const Node* node) {
  if (config_.pod_cidrs.empty() && !node->pod_cidrs.empty()) own_pod_cidrs_ = node->pod_cidrs;
  auto mtu = podnet::find_pod_mtu(*node, overlay_options(config_));
  if (!mtu) log_.warn("the underlay's MTU is not known, pods get 1450", {{"error", mtu.error()}});
  attachments_->set_options(own_pod_cidrs_, mtu.value_or(1450));
  offer();
}

/// Runtimes find the plugin once pods can be connected; without ranges they would only fail.
void PodNetwork::offer() {
  if (own_pod_cidrs_.empty() || config_.cni_conf_directory.empty()) return;
  const std::string text = cni_config(config_.runtime_directory, config_.state_directory);
  if (const auto written = write_cni_config(config_.cni_conf_directory, text); !written)
    log_.error("runtimes cannot be told of the CNI plugin", {{"error", written.error()}});
}

std::vector<Cidr> PodNetwork::cluster_pod_cidrs() const {
  std::vector<Cidr> all = own_pod_cidrs_;
  for (const auto& [name, cidrs] : pod_cidrs_)
    if (name != config_.node_name) all.insert(all.end(), cidrs.begin(), cidrs.end());
  return all;
}

Result<> clean_up_pod_network(const AgentConfig& config, const log::Logger& log) {
  TRY(auto opened, PodNetwork::open(config, log));
  TRY_VOID(opened.attachments->clean_up());
  TRY_VOID(opened.network->clean_up());
  opened.attachments.reset();
  std::error_code error;
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(config.state_directory + kBook + suffix, error);
  if (config.cni_conf_directory.empty()) return {};
  return remove_cni_config(config.cni_conf_directory);
}

}  // namespace fairlead
