// Parts are made in the order of their arrows, started, and stopped in reverse. What they tell each
// other passes here, so that each of them can be tested alone.
#include "agent/node_agent.hpp"

#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <exception>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "agent/plan_options.hpp"
#include "agent/pod_ports.hpp"
#include "dataplane/kernel/addresses.hpp"

namespace fairlead {
namespace {

namespace asio = boost::asio;

Time wall_clock() {
  return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
}
Now now() { return {.steady = std::chrono::steady_clock::now(), .wall = wall_clock()}; }

ReconcilerOptions reconciler_options(const AgentConfig& config) {
  ReconcilerOptions options;
  options.min_sync_period = config.min_sync_period;
  options.compare_period = config.compare_period;
  options.node_wait = config.node_wait;
  options.retry_limit = config.sync_period;
  return options;
}

client::ClusterWatchOptions watch_options(const BuildInfo& build, client::ClientConfig connection) {
  return {.config = std::move(connection),
          .user_agent = "fairlead/" + build.version,
          .timing = {},
          .seed = std::random_device{}()};
}

client::BgpWatchOptions bgp_watch_options(const BuildInfo& build, client::ClientConfig connection) {
  client::BgpWatchOptions options;
  options.config = std::move(connection);
  options.user_agent = "fairlead/" + build.version;
  options.seed = std::random_device{}();
  return options;
}

/// A copy: the plan changes while others look at it.
Plan udp_of(const Plan& plan) {
  Plan udp{.node = plan.node, .services = {}, .problems = {}};
  for (const auto& [name, ports] : plan.services)
    for (const ServicePlan& port : ports)
      if (port.name.protocol == Protocol::kUdp) udp.services[name].push_back(port);
  return udp;
}

}  // namespace

NodeAgent::NodeAgent(asio::io_context& io, const AgentConfig& config, BuildInfo build,
                     log::Logger log, Opened opened)
    : io_(io),
      config_(config),
      build_(std::move(build)),
      log_(std::move(log)),
      started_(wall_clock()),
      datapath_(std::move(opened.datapath)),
      addresses_(std::move(opened.addresses)),
      address_events_(io),
      local_addresses_(std::move(opened.local_addresses)),
      planner_(plan_options(config_, nullptr, local_addresses_)),
      reconciler_(planner_, reconciler_options(config_)),
      health_(reconciler_, 2 * config_.sync_period),
      metrics_(build_),
      problems_(log_),
      loop_(io, reconciler_, planner_, *datapath_,
            {.started = [this](const Job& job) { job_started(job); },
             .finished = [this](const SyncOutcome& outcome) { job_finished(outcome); },
             .monitored = [this](const Result<bool>& change) { kernel_monitored(change); },
             .pods = [this] { return pods(); },
             .pods_failed =
                 [this](const Error& error) {
                   log_.error("the datapath cannot be told of pods, will try again",
                              {{"error", error}});
                 }}),
      former_datapaths_(
          io, std::move(opened.former_datapaths), config_.compare_period,
          [this] { return udp_of(planner_.plan()); }, log_),
      pod_network_(opened.pod_network ? std::make_unique<PodNetwork>(io, config_, log_,
                                                                     *std::move(opened.pod_network),
                                                                     [this] { pods_changed(); })
                                      : nullptr),
      pod_registrar_(opened.registrar_api
                         ? std::make_unique<PodRegistrar>(io, registrar_options(),
                                                          std::move(opened.registrar_api), log_)
                         : nullptr),
      bgp_(opened.bgp ? std::make_unique<bgp::BgpNode>(io, bgp_options(config_),
                                                       *std::move(opened.bgp), bgp_owner(), log_)
                      : nullptr),
      layer2_(io, layer2_parts()),
      health_listener_(io, "health", config_.health_bind_address, health_pages(), log_),
      metrics_listener_(io, "metrics", config_.metrics_bind_address, metrics_pages(), log_),
      admin_(io, {.handler = admin_pages(),
                  .limits = {.body_bytes = 0, .connections = 64},
                  .on_error =
                      [this](const Error& error) {
                        log_.warn("admin socket failed", {{"error", error}});
                      }}),
      events_(event_parts()),
      watch_(io.get_executor(), watch_options(build_, opened.client), events_),
      bgp_events_(bgp_event_parts()),
      bgp_watch_(io.get_executor(), bgp_watch_options(build_, std::move(opened.client)),
                 bgp_events_) {}

ClusterEvents::Parts NodeAgent::event_parts() {
  ClusterEvents::Parts parts{.own_node = config_.node_name,
                             .planner = planner_,
                             .reconciler = reconciler_,
                             .health = health_,
                             .metrics = metrics_,
                             .problems = problems_,
                             .trigger_times = trigger_times_,
                             .node_changed = [this](const Node* node) { node_changed(node); },
                             .wake = [this] { loop_.wake(); }};
  if (bgp_)
    parts.wake = [this] {
      loop_.wake();
      bgp_->cluster_changed();
    };
  parts.node_seen = [this](const Node& node) {
    layer2_.node_changed();
    if (pod_network_) pod_network_->node(node);
  };
  parts.node_gone = [this](const std::string& name) {
    layer2_.node_changed();
    if (pod_network_) pod_network_->node_gone(name);
  };
  parts.nodes_listed = [this] {
    layer2_.nodes_listed();
    if (pod_network_) pod_network_->nodes_listed();
  };
  parts.service_seen = [this](const Service& service) { layer2_.service(service); };
  parts.service_gone = [this](const ObjectName& name) { layer2_.service_gone(name); };
  parts.slice_seen = [this](const EndpointSlice& slice) { layer2_.slice(slice); };
  parts.slice_gone = [this](const ObjectName&) { layer2_.slice_gone(); };
  return parts;
}

void NodeAgent::supervise(std::string_view name, asio::awaitable<void> task) {
  asio::co_spawn(io_, std::move(task), [this, name](const std::exception_ptr& exception) {
    if (!exception) return;
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      log_.error("a part of the agent ended by an exception",
                 {{"part", name}, {"exception", error.what()}});
    }
    failed_ = true;
    ::raise(SIGTERM);  // the one way to stop
  });
}

Result<> NodeAgent::start(const std::string& socket_path) {
  if (auto done = admin_.listen_unix(socket_path); !done)
    return prefix("admin socket", std::move(done).error());
  TRY_VOID(health_listener_.listen(config_.bind_address_hard_fail));
  TRY_VOID(metrics_listener_.listen(config_.bind_address_hard_fail));
  supervise("health", health_listener_.keep_trying());
  supervise("metrics", metrics_listener_.keep_trying());
  supervise("addresses", watch_addresses());
  supervise("reconcile", loop_.run());
  supervise("kernel monitor", loop_.watch_kernel());
  loop_.pods_changed();
  if (pod_network_) {
    TRY_VOID(pod_network_->start());
    pods_changed();
    for (auto& [name, task] : pod_network_->tasks()) supervise(name, std::move(task));
  }
  if (pod_registrar_) pod_registrar_->start();
  if (bgp_) {
    guard_routes();
    for (auto& [name, task] : bgp_->tasks()) supervise(name, std::move(task));
  }
  supervise("layer 2", layer2_.run());
  supervise("layer 2, frames", layer2_.listen());
  watch_.start();
  bgp_watch_.start();
  log_.info("agent started", {{"node", config_.node_name},
                              {"datapath", datapath_->name()},
                              {"server", watch_.server()},
                              {"version", build_.version},
                              {"commit", build_.commit}});
  return {};
}

void NodeAgent::stop() {
  if (stopped_) return;
  stopped_ = true;
  watch_.stop();
  bgp_watch_.stop();
  if (bgp_) bgp_->stop();
  layer2_.stop();
  if (pod_registrar_) pod_registrar_->stop();
  if (pod_network_) pod_network_->stop();
  loop_.stop();
  former_datapaths_.stop();
  if (address_events_.is_open()) address_events_.cancel();
  admin_.stop();
  metrics_listener_.stop();
  health_listener_.stop();
}

asio::awaitable<void> NodeAgent::watch_addresses() {
  constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
  address_events_.assign(::dup(addresses_.fd()));
  while (!stopped_) {
    const auto [error] =
        co_await address_events_.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
    if (error || stopped_) break;
    const Result<> drained = addresses_.drain();
    auto addresses = read_local_addresses();
    if (drained && addresses) {
      if (*addresses == local_addresses_) continue;
      local_addresses_ = std::move(*addresses);
      refresh_options();
      guard_routes();
      continue;
    }
    log_.warn("cannot follow the node's addresses",
              {{"error", drained ? addresses.error() : drained.error()}});
    asio::steady_timer pause(io_, std::chrono::seconds(5));
    co_await pause.async_wait(kAwait);
  }
  boost::system::error_code ignored;
  address_events_.close(ignored);
}

void NodeAgent::node_changed(const Node* node) {
  node_ = node == nullptr ? std::nullopt : std::optional(*node);
  refresh_options();
  guard_routes();
}

/// Other options replan everything, so they are only set where they differ: a Node's status changes
/// all the time.
void NodeAgent::refresh_options() {
  PlanOptions options = plan_options(config_, node_ ? &*node_ : nullptr, local_addresses_);
  if (options == planner_.options()) return;
  planner_.set_options(std::move(options));
  reconciler_.planner_changed(std::chrono::steady_clock::now());
  loop_.wake();
}

/// Who came or went, or which ranges pods have. Pods come in crowds: once for all that have come by
/// the time it runs.
void NodeAgent::pods_changed() {
  if (std::exchange(pods_due_, true)) return;
  asio::post(io_, [this] {
    pods_due_ = false;
    if (!stopped_) take_pods();
  });
}

void NodeAgent::take_pods() {
  planner_.set_host_ports(host_ports_of(pod_network_->attachments()));
  reconciler_.planner_changed(std::chrono::steady_clock::now());
  loop_.wake();
  loop_.pods_changed();
  if (pod_registrar_) pod_registrar_->wake();
}

PodRegistrarOptions NodeAgent::registrar_options() {
  return {
      .node = config_.node_name,
      .labels_command = config_.labels_command,
      .period = config_.compare_period,
      .attachments = [this] { return pod_network_->attachments(); },
      .problem =
          [this](const Problem& problem) { problems_.add(problem, client::Severity::kWarning); },
      .solved = [this](const std::string& object) { problems_.remove(object); }};
}

Layer2::Parts NodeAgent::layer2_parts() {
  return {.own_node = config_.node_name,
          .pin_directory = config_.pin_directory,
          .cluster = [this]() -> const Snapshot& { return planner_.snapshot(); },
          .problems = problems_,
          .log = log_};
}

ClusterPods NodeAgent::pods() const {
  if (!pod_network_) return {};  // what another agent said holds no more
  ClusterPods pods{
      .local = {}, .networks = pod_network_->cluster_pod_cidrs(), .tunnel = pod_network_->tunnel()};
  for (podnet::Attachment& attachment : pod_network_->attachments()) {
    const podnet::Bandwidth& bandwidth = attachment.bandwidth;
    pods.local.push_back({.ips = std::move(attachment.ips),
                          .link = std::move(attachment.host_link),
                          .is_shaped = bandwidth.ingress_rate != 0 || bandwidth.egress_rate != 0});
  }
  return pods;
}

void NodeAgent::job_started(const Job& job) {
  trigger_times_.job_started();
  metrics_.sync_queued(wall_clock());
  problems_.set_plan_problems(planner_.plan().problems);
  if (job.resync != ResyncReason::kForeign) return;
  log_.warn("others changed what is the agent's, repairing", {{"datapath", datapath_->name()}});
}

void NodeAgent::job_finished(const SyncOutcome& outcome) {
  const auto& [job, result, took] = outcome;
  const bool is_resync = job.resync != ResyncReason::kNone;
  const double milliseconds = std::chrono::duration<double, std::milli>(took).count();
  metrics_.sync_finished(job, result, took, wall_clock());
  ++history_.syncs;
  if (is_resync) ++history_.resyncs;
  const std::vector<Time> covered = trigger_times_.job_done(result.has_value());
  if (bgp_) bgp_->cluster_changed();
  if (!result) {
    ++history_.failures;
    // Once for each new text: a retry that fails alike is no news.
    if (history_.last_error != result.error().doing) {
      log_.error("sync failed, will try again", {{"error", result.error()},
                                                 {"services", job.services.size()},
                                                 {"resync", to_string(job.resync)}});
    }
    history_.last_error = result.error().doing;
    return;
  }
  for (const Time trigger : covered) metrics_.programmed(wall_clock() - trigger);
  if (!history_.last_error.empty()) log_.info("syncs succeed again");
  history_.last_error.clear();
  health_.sync_succeeded(now());
  const bool is_first = !history_.last_success;
  history_.last_success = wall_clock();
  const auto write = is_first ? &log::Logger::info : &log::Logger::debug;
  (log_.*write)(is_first ? "first sync" : "sync",
                {{"resync", to_string(job.resync)},
                 {"services", is_resync ? planner_.plan().services.size() : job.services.size()},
                 {"added", result->elements_added},
                 {"removed", result->elements_removed},
                 {"took_ms", milliseconds}});
  if (!is_first) return;
  layer2_.datapath_synced();
  supervise("former datapaths", former_datapaths_.drain());
  // Lists, plans and tables were built with many short-lived values.
  ::malloc_trim(0);
}

void NodeAgent::kernel_monitored(const Result<bool>& foreign_change) {
  if (!foreign_change) {
    log_.warn("cannot read the kernel's notifications, comparing instead",
              {{"error", foreign_change.error()}});
  } else if (*foreign_change) {
    ++history_.foreign_changes;
    metrics_.foreign_changes->Increment();
  }
}

}  // namespace fairlead
