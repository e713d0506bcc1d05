// Learned routes in the kernel's main table: what the speaker chose -> what differs -> batches.
// Calls wait for the kernel; one thread at a time.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/bgp/next_hops.hpp"
#include "dataplane/bgp/control/messages.hpp"
#include "dataplane/kernel/netlink.hpp"
#include "model/result.hpp"

namespace fairlead::bgp {

/// What no learned route may lead away from here.
struct RouteGuard {
  std::vector<Cidr> own_pod_cidrs;
  std::vector<Ip> local_addresses;  // sorted
  bool operator==(const RouteGuard&) const = default;
  [[nodiscard]] bool covers(const Cidr& destination) const;
};

/// What has happened since the last time.
struct RouteOrders {
  std::map<Prefix, std::vector<control::Via>> changed{};  // empty: gone
  std::optional<RouteGuard> guard{};
  /// Another speaker says everything anew; until it has, what is there stays.
  bool speaker_restarted = false;
  bool restart_over = false;  // RestartOver: what was not said anew goes
  bool look = false;          // at the next hops
  bool compare = false;       // with what the kernel has

  void add(control::RoutesChanged changes);
  [[nodiscard]] bool empty() const;
};

struct RoutesReport {
  std::size_t added = 0, replaced = 0, removed = 0;
  std::vector<control::NextHopState> next_hops;  // for the speaker
  std::set<std::string> problems;                // what stays undone, and why; the first few
  bool retry = false;                            // something was refused that may pass later
};

class KernelRoutes {
 public:
  /// Of the calling thread's network namespace.
  static Result<KernelRoutes> open();

  /// The first call reads the kernel and adopts what an earlier agent left. After an error:
  /// compare.
  Result<RoutesReport> carry_out(RouteOrders orders);

  /// Removes all of them.
  Result<> clean_up();

  [[nodiscard]] const NetlinkSocket& socket() const { return socket_; }
  [[nodiscard]] const NextHops& next_hops() const { return next_hops_; }
  [[nodiscard]] std::size_t size() const { return have_.size(); }

 private:
  explicit KernelRoutes(NetlinkSocket socket) : socket_(std::move(socket)) {}
  Result<> take(RouteOrders& orders);
  Result<> look_at_next_hops();
  Result<> compare();
  [[nodiscard]] std::vector<RouteHop> target(const Prefix& prefix) const;
  struct Step {
    Prefix prefix;
    std::vector<RouteHop> hops;  // empty: removed
    std::size_t* count;          // of such steps
  };
  [[nodiscard]] std::optional<Step> step_for(const Prefix& prefix, RoutesReport& report) const;
  void done(Step step);
  Result<> write_batch(RoutesReport& report, std::set<Prefix>& left);
  Result<> write(RoutesReport& report);
  [[nodiscard]] std::set<control::Via> vias() const;

  NetlinkSocket socket_;
  NextHops next_hops_;
  RouteGuard guard_;
  std::map<Prefix, std::vector<control::Via>> wanted_;
  std::map<Prefix, std::vector<RouteHop>> have_;  // what the kernel has acknowledged
  std::set<Prefix> kept_;                         // in the kernel, and not said by this speaker yet
  std::set<Prefix> foreign_;                      // somebody else's at our metric
  std::set<Prefix> dirty_;
  bool adopted_ = false;
  bool all_said_ = false;  // by this speaker, since it started
};

}  // namespace fairlead::bgp
