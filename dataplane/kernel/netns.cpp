// /proc/thread-self/ns/net and setns(2).
#include "dataplane/kernel/netns.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

namespace fairlead {
namespace {

constexpr const char* kOwn = "/proc/thread-self/ns/net";
constexpr int kCookieOption = 71;  // SO_NETNS_COOKIE (Linux 5.14), younger than some headers

Result<Fd> open_own() {
  Fd fd(::open(kOwn, O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, "open the network namespace");
  return fd;
}

}  // namespace

Result<Netns> Netns::current() {
  Netns netns;
  TRY(netns.fd_, open_own());
  struct stat info {};
  if (::fstat(netns.fd_.get(), &info) != 0)
    return system_error(errno, "look at the network namespace");
  netns.inode_ = info.st_ino;
  TRY_VOID(netns.read_cookie());
  return netns;
}

Result<Netns> Netns::of(const Fd& descriptor) {
  Netns netns;
  netns.fd_ = Fd(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0));
  if (!netns.fd_) return system_error(errno, "duplicate a network namespace's descriptor");
  if (::ioctl(netns.fd_.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
    return invalid("the descriptor is not of a network namespace");
  struct stat info {};
  if (::fstat(netns.fd_.get(), &info) != 0)
    return system_error(errno, "look at the network namespace");
  netns.inode_ = info.st_ino;
  TRY_VOID(netns.run([&] { return netns.read_cookie(); }));
  return netns;
}

/// The calling thread is in it.
Result<> Netns::read_cookie() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  socklen_t size = sizeof(cookie_);
  if (!socket || ::getsockopt(socket.get(), SOL_SOCKET, kCookieOption, &cookie_, &size) != 0)
    return system_error(errno, "ask for the network namespace's cookie (it needs Linux 5.14)");
  return {};
}

Result<Fd> Netns::enter() const {
  struct stat info {};
  if (::stat(kOwn, &info) == 0 && info.st_ino == inode_) return Fd();
  TRY(Fd before, open_own());
  if (::setns(fd_.get(), CLONE_NEWNET) != 0)
    return system_error(errno, "enter the network namespace");
  return before;
}

void Netns::leave(const Fd& before) {
  // A thread that stayed here would do everything else in the wrong place.
  if (::setns(before.get(), CLONE_NEWNET) != 0) std::abort();
}

}  // namespace fairlead
