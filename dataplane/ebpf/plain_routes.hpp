// Tells the programs whether routes follow from destinations alone: bpf/known_routes.h says what
// for.
//
//   rules and routes, read -- plain --> config.plain_routes_until, renewed each second
//   one that is not plain appears   --> 0 at once, and all is read again a few seconds later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "dataplane/ebpf/live.hpp"
#include "dataplane/kernel/netlink.hpp"
#include "dataplane/kernel/routing.hpp"

namespace fairlead::ebpf {

/// A thread of its own: neither a long sync nor a long list of routes keeps it from taking back
/// what it has said.
class PlainRoutes {
 public:
  /// In the calling thread's network namespace. `report` is called from the thread.
  static Result<std::unique_ptr<PlainRoutes>> start(std::shared_ptr<Live> live,
                                                    std::function<void(const Error&)> report);
  /// Takes back what it has said.
  ~PlainRoutes();
  PlainRoutes(const PlainRoutes&) = delete;
  PlainRoutes& operator=(const PlainRoutes&) = delete;

 private:
  using Time = std::chrono::steady_clock::time_point;

  PlainRoutes(std::shared_ptr<Live> live, std::function<void(const Error&)> report,
              NetlinkSocket socket, RoutingMonitor monitor, Fd wake)
      : live_(std::move(live)),
        report_(std::move(report)),
        socket_(std::move(socket)),
        monitor_(std::move(monitor)),
        wake_(std::move(wake)) {}
  void run(const std::stop_token& stop);
  void wait() const;
  Result<> follow();
  Result<> look(Time now);
  void say(bool plain);

  std::shared_ptr<Live> live_;
  std::function<void(const Error&)> report_;
  NetlinkSocket socket_;
  RoutingMonitor monitor_;
  Fd wake_;             // an eventfd
  bool plain_ = false;  // these: the thread's
  Time due_{};          // when to read again, if it is not plain
  std::chrono::seconds pause_{0};
  bool reported_ = false;
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace fairlead::ebpf
