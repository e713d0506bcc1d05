// epoll(7), inotify(7) and timerfd_create(2).
#include "dataplane/kernel/wake_set.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace fairlead {

Result<WakeSet> WakeSet::make() {
  WakeSet set;
  set.fd_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!set.fd_) return system_error(errno, "make an epoll descriptor");
  return set;
}

Result<> WakeSet::add(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return system_error(errno, "wait for a descriptor");
  return {};
}

Result<RemovalMonitor> RemovalMonitor::open(const std::string& directory) {
  RemovalMonitor monitor;
  monitor.fd_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!monitor.fd_ ||
      ::inotify_add_watch(monitor.fd(), directory.c_str(),
                          IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_UNMOUNT) < 0)
    return system_error(errno, "watch directory " + directory);
  return monitor;
}

bool RemovalMonitor::drain() {
  std::array<char, 4096> events{};
  bool any = false;
  while (::read(fd_.get(), events.data(), events.size()) > 0) any = true;
  return any;
}

Result<Ticker> Ticker::make(std::chrono::seconds period) {
  Ticker ticker;
  ticker.fd_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec times{};
  times.it_value.tv_sec = times.it_interval.tv_sec = period.count();
  if (!ticker.fd_ || ::timerfd_settime(ticker.fd(), 0, &times, nullptr) != 0)
    return system_error(errno, "make a timer");
  return ticker;
}

bool Ticker::drain() {
  std::uint64_t periods = 0;
  return ::read(fd_.get(), &periods, sizeof(periods)) == sizeof(periods);
}

}  // namespace fairlead
