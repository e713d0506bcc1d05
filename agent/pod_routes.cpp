// Nodes -> changed() -> schedule -> a copy of the plan -> Network::apply() on the worker -> log
// the kernel's notifications -> schedule
#include "agent/pod_routes.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace fairlead {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

SteadyTime now() { return std::chrono::steady_clock::now(); }

asio::awaitable<void> pause(std::chrono::seconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(kAwait);
}

asio::awaitable<Result<podnet::NetworkReport>> call_apply(podnet::Network& network,
                                                          const podnet::NetworkPlan& plan) {
  co_return network.apply(plan);
}

std::optional<Tunnel> tunnel_of(const podnet::NetworkReport& done) {
  if (!done.device) return std::nullopt;
  const podnet::VxlanDevice& device = *done.device;
  Tunnel tunnel{.device = device.name,
                .underlay = device.underlay,
                .local = device.local,
                .vni = device.vni,
                .port = device.port,
                .mac = device.mac,
                .nodes = {}};
  for (const podnet::Forwarding& entry : done.forwarding)
    tunnel.nodes.emplace_back(entry.mac, entry.remote);
  return tunnel;
}

}  // namespace

PodRoutes::PodRoutes(asio::io_context& io, PodRoutesOptions options,
                     std::unique_ptr<podnet::Network> network, log::Logger log,
                     std::function<void()> tunnel_changed)
    : options_(std::move(options)),
      network_(std::move(network)),
      log_(std::move(log)),
      tunnel_changed_(std::move(tunnel_changed)),
      schedule_(options_.times),
      timer_(io),
      idle_(io, asio::steady_timer::time_point::max()),
      monitor_(io) {}

PodRoutes::~PodRoutes() { worker_.join(); }

void PodRoutes::node(Node node) {
  Node& known = nodes_[node.name];
  // A Node that registers anew has neither for a moment; the node still has.
  if (node.name == options_.own_node) {
    if (node.addresses.empty()) node.addresses = known.addresses;
    if (node.pod_cidrs.empty()) node.pod_cidrs = known.pod_cidrs;
  }
  // Most updates of Nodes are heartbeats.
  const bool same =
      !known.name.empty() && known.addresses == node.addresses && known.pod_cidrs == node.pod_cidrs;
  known = std::move(node);
  if (!same) changed();
}

void PodRoutes::node_gone(const std::string& name) {
  // While this node runs, it has its address and its pods, whatever becomes of its Node.
  if (name != options_.own_node && nodes_.erase(name) > 0) changed();
}

void PodRoutes::synced() {
  if (std::exchange(synced_, true)) return;
  if (!nodes_.contains(options_.own_node))
    log_.warn("the pod network waits for this node's Node", {{"node", options_.own_node}});
  changed();
}

void PodRoutes::changed() {
  if (!is_ready()) return;
  schedule_.changed(now());
  timer_.cancel();
}

bool PodRoutes::is_ready() const { return synced_ && nodes_.contains(options_.own_node); }

podnet::NetworkPlan PodRoutes::plan() const {
  const std::vector<Cidr>& own = options_.own_pod_cidrs.empty()
                                     ? nodes_.at(options_.own_node).pod_cidrs
                                     : options_.own_pod_cidrs;
  return {options_.own_node, nodes_, own, options_.overlay, options_.masquerade};
}

asio::awaitable<void> PodRoutes::run() {
  while (!stopped_) {
    const SteadyTime due = schedule_.due(now());
    if (is_ready() && due <= now()) {
      co_await write();
    } else {
      timer_.expires_at(due);
      co_await timer_.async_wait(kAwait);
    }
  }
}

asio::awaitable<void> PodRoutes::write() {
  const podnet::NetworkPlan wanted = plan();
  schedule_.started();
  const auto start = now();
  busy_ = true;
  const auto result =
      co_await asio::co_spawn(worker_, call_apply(*network_, wanted), asio::use_awaitable);
  busy_ = false;
  idle_.cancel();
  const auto end = now();
  const bool wrote = !result || result->added + result->removed + result->rules_written > 0;
  schedule_.done({.succeeded = result.has_value(), .wrote = wrote}, end);
  report(result, end - start);
}

void PodRoutes::report(const Result<podnet::NetworkReport>& result, std::chrono::nanoseconds took) {
  std::set<std::string> problems;
  if (result)
    problems.insert(result->problems.begin(), result->problems.end());
  else
    problems.insert("cannot connect the nodes' pods, will try again: " + result.error().doing);
  for (const std::string& problem : problems)
    if (!problems_.contains(problem)) log_.warn(problem);
  problems_ = std::move(problems);
  if (!result) return;
  take_tunnel(*result);
  report_done(*result, took);
}

void PodRoutes::take_tunnel(const podnet::NetworkReport& done) {
  std::optional<Tunnel> now = tunnel_of(done);
  if (now == tunnel_ && !done.device_made) return;
  tunnel_ = std::move(now);
  tunnel_changed_();
}

void PodRoutes::report_done(const podnet::NetworkReport& done, std::chrono::nanoseconds took) {
  const double milliseconds = std::chrono::duration<double, std::milli>(took).count();
  for (const std::string& setting : done.settings)
    log_.info("changed a setting of the kernel", {{"setting", setting}});
  const log::Fields fields{{"nodes", nodes_.size()},         {"added", done.added},
                           {"removed", done.removed},        {"rules", done.rules_written},
                           {"new_device", done.device_made}, {"took_ms", milliseconds}};
  if (!std::exchange(written_, true))
    log_.info("the nodes' pods are connected", fields);
  else
    log_.debug("wrote what connects the nodes' pods", fields);
}

asio::awaitable<void> PodRoutes::watch_kernel() {
  // A duplicate: the descriptor stays the network's.
  const int fd = ::dup(network_->monitor_fd());
  if (fd < 0) co_return;
  monitor_.assign(fd);
  while (!stopped_) {
    const auto [error] =
        co_await monitor_.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
    if (error) break;
    while (busy_ && !stopped_) co_await idle_.async_wait(kAwait);
    if (stopped_) break;
    const Result<bool> changed = network_->foreign_change();
    if (changed && !*changed) continue;
    // Messages that cannot be read may have been anything.
    schedule_.foreign_change(now());
    timer_.cancel();
    if (changed) continue;
    log_.warn("cannot listen to the kernel", {{"error", changed.error()}});
    co_await pause(std::chrono::seconds(1));
  }
  boost::system::error_code ignored;
  monitor_.close(ignored);
}

void PodRoutes::stop() {
  stopped_ = true;
  timer_.cancel();
  idle_.cancel();
  if (monitor_.is_open()) monitor_.cancel();
}

}  // namespace fairlead
