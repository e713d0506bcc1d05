// The agent's part in answering for load balancer addresses on flat links: docs/load-balancer.md.
//
//   address pools, Services, endpoints, Nodes -> rank_addresses -> places -> Holdings -> Station
//   links, frames -> Station -> Holdings
//
// Without a pool of `announce: Layer2` it sleeps, and has no socket.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/metrics.hpp"
#include "agent/problems.hpp"
#include "dataplane/layer2/election.hpp"
#include "dataplane/layer2/station.hpp"
#include "log/log.hpp"
#include "model/object.hpp"

namespace fairlead {

class Layer2 {
 public:
  struct Parts {
    std::string own_node;
    std::string pin_directory;
    std::function<const Snapshot&()> cluster;
    Problems& problems;
    log::Logger log;
  };
  Layer2(boost::asio::io_context& io, Parts parts);
  Layer2(Layer2&&) = delete;

  void pool(const AddressPool& pool);
  void pool_gone(const std::string& name);
  /// Nothing is done before all three are complete: until then what an earlier agent left stays.
  void pools_listed();
  void nodes_listed();
  void datapath_synced();

  // What is told of the cluster; its Snapshot has it a moment later.
  void service(const Service& service);
  void service_gone(const ObjectName& name);
  void slice(const EndpointSlice& slice);
  void slice_gone();
  void node_changed();

  /// Both end with stop(). The kernel goes on answering.
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> listen();
  void stop();

  /// nullopt: there is nothing to answer for.
  [[nodiscard]] std::optional<Layer2Figures> figures() const;
  [[nodiscard]] std::optional<boost::json::object> json() const;

 private:
  [[nodiscard]] bool is_wanted() const;
  [[nodiscard]] bool is_ready() const { return pools_listed_ && nodes_listed_ && synced_; }
  void changed();
  void wake();
  Result<> open();
  Result<> update();
  Result<> update_places();
  std::map<Ip, layer2::Place> places();
  void report_without_link(std::set<Ip> addresses);
  Result<> hear();
  Result<> tick();
  Result<> compare();
  Result<> carry_out();
  [[nodiscard]] std::string link_name(int link) const;
  Result<> close();
  void report(const Result<>& outcome);

  Parts parts_;
  boost::asio::steady_timer wake_;
  boost::asio::steady_timer opened_;  // cancelled when there is a station to listen to
  boost::asio::posix::stream_descriptor events_;

  std::map<std::string, AddressPool> pools_;
  std::map<Ip, layer2::Ranking> rankings_;
  std::set<ObjectName> services_, local_services_;  // with load balancer addresses; policy Local
  std::optional<layer2::Station> station_;
  layer2::Holdings holdings_;
  std::set<Ip> held_, without_link_;
  std::chrono::steady_clock::time_point next_tick_{}, next_compare_{}, retry_at_{};
  std::uint64_t conflicts_told_ = 0;
  std::string last_error_;
  bool pools_listed_ = false, nodes_listed_ = false, synced_ = false;
  bool due_ = true, stopped_ = false;
};

/// Removes what agents left of it. Success if there is nothing.
Result<> clean_up_layer2(const std::string& pin_directory);

}  // namespace fairlead
