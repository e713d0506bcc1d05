// Notifications and the clock -> follow() -> config.plain_routes_until.
#include "dataplane/ebpf/plain_routes.hpp"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include "dataplane/ebpf/figures.hpp"

namespace fairlead::ebpf {
namespace {

constexpr std::chrono::milliseconds kRenewal{1000};
/// What was said holds for so long without this thread: three renewals may come late.
constexpr std::uint32_t kTicks = 4;
/// Between two readings of all routes; twice as long each time that they were not plain.
constexpr std::chrono::seconds kShortestPause{4};
constexpr std::chrono::seconds kLongestPause{60};

}  // namespace

Result<std::unique_ptr<PlainRoutes>> PlainRoutes::start(std::shared_ptr<Live> live,
                                                        std::function<void(const Error&)> report) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY(auto monitor, RoutingMonitor::open());
  Fd wake(::eventfd(0, EFD_CLOEXEC));
  if (!wake) return system_error(errno, "make an event descriptor");
  std::unique_ptr<PlainRoutes> routes(new PlainRoutes(
      std::move(live), std::move(report), std::move(socket), std::move(monitor), std::move(wake)));
  // A new thread is in the network namespace of the one that starts it.
  routes->thread_ =
      std::jthread([self = routes.get()](const std::stop_token& stop) { self->run(stop); });
  return routes;
}

PlainRoutes::~PlainRoutes() {
  thread_.request_stop();
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void PlainRoutes::run(const std::stop_token& stop) {
  for (; !stop.stop_requested(); wait()) {
    auto followed = follow();
    if (followed) {
      reported_ = false;
      continue;
    }
    say(false);
    due_ = std::chrono::steady_clock::now() + kLongestPause;
    if (!std::exchange(reported_, true) && report_) report_(followed.error());
  }
  say(false);
}

/// For a notification, the next renewal, or the end.
void PlainRoutes::wait() const {
  std::array<pollfd, 2> ready{pollfd{monitor_.fd(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
  ::poll(ready.data(), ready.size(), static_cast<int>(kRenewal.count()));
}

Result<> PlainRoutes::follow() {
  TRY(const bool changed, monitor_.drain());
  const auto now = std::chrono::steady_clock::now();
  if (changed && std::exchange(plain_, false)) {
    say(false);
    pause_ = kShortestPause;
    due_ = now + pause_;
  }
  if (!plain_ && now >= due_) TRY_VOID(look(now));
  say(plain_);
  return {};
}

/// What changes while it is read is in the next notification.
Result<> PlainRoutes::look(Time now) {
  TRY(plain_, read_has_plain_routing(socket_));
  pause_ = std::clamp(pause_ * 2, kShortestPause, kLongestPause);
  due_ = now + pause_;
  TRY(const bool changed, monitor_.drain());
  if (changed) plain_ = false;
  return {};
}

void PlainRoutes::say(bool plain) {
  const std::atomic_ref<__u32> until(live_->generation.maps.config().plain_routes_until);
  until.store(plain ? now_ticks() + kTicks : 0);
}

}  // namespace fairlead::ebpf
