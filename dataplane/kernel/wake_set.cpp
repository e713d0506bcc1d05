// epoll(7) and inotify(7).
#include "dataplane/kernel/wake_set.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>

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

}  // namespace fairlead
