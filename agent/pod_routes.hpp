// Connects this node's pods with the other nodes': Nodes -> podnet::Network, on a worker thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/pod_routes_schedule.hpp"
#include "dataplane/datapath.hpp"
#include "dataplane/podnet/network.hpp"
#include "log/log.hpp"
#include "model/object.hpp"

namespace fairlead {

struct PodRoutesOptions {
  std::string own_node;
  std::vector<Cidr> own_pod_cidrs;  // empty: those of its Node
  podnet::OverlayOptions overlay;
  podnet::MasqueradeOptions masquerade;
  PodRoutesTimes times;
};

class PodRoutes {
 public:
  /// `io` must be run by one thread, which calls everything here. The network is used by the worker
  /// while it applies, else by that thread.
  PodRoutes(
      boost::asio::io_context& io, PodRoutesOptions options,
      std::unique_ptr<podnet::Network> network, log::Logger log,
      std::function<void()> tunnel_changed = [] {});
  PodRoutes(PodRoutes&&) = delete;
  ~PodRoutes();  // waits for what the worker is doing

  void node(Node node);
  void node_gone(const std::string& name);
  /// All Nodes were listed. Until then, and until this node's is known, nothing is written, so that
  /// what an earlier agent left stays.
  void synced();

  /// Both end only with the io_context, or after stop().
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> watch_kernel();
  /// The kernel stays as it is.
  void stop();

  /// The VXLAN device as the kernel holds it; nullopt: there is none.
  [[nodiscard]] const std::optional<Tunnel>& tunnel() const { return tunnel_; }
  /// The kernel held all of it once.
  [[nodiscard]] bool is_written() const { return written_; }
  /// Of the last time it was written: what was left out, and why; and the error, if it failed.
  [[nodiscard]] const std::set<std::string>& problems() const { return problems_; }

 private:
  void changed();
  [[nodiscard]] bool is_ready() const;
  [[nodiscard]] podnet::NetworkPlan plan() const;
  boost::asio::awaitable<void> write();
  void report(const Result<podnet::NetworkReport>& result, std::chrono::nanoseconds took);
  void take_tunnel(const podnet::NetworkReport& done);
  void report_done(const podnet::NetworkReport& done, std::chrono::nanoseconds took);

  PodRoutesOptions options_;
  std::unique_ptr<podnet::Network> network_;
  log::Logger log_;
  std::function<void()> tunnel_changed_;  // also when it was made anew
  PodRoutesSchedule schedule_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer idle_;  // cancelled when the worker is done
  boost::asio::posix::stream_descriptor monitor_;

  std::map<std::string, Node> nodes_;
  std::set<std::string> problems_;
  std::optional<Tunnel> tunnel_;
  bool synced_ = false, written_ = false, busy_ = false, stopped_ = false;
  boost::asio::thread_pool worker_{1};
};

}  // namespace fairlead
