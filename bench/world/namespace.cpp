// unshare in a thread that ends at once -> the namespace stays by its file descriptor.
#include "bench/world/namespace.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <thread>

namespace fairlead::bench {
namespace {

Result<Fd> own_namespace() {
  Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, "open a network namespace");
  return fd;
}

}  // namespace

Result<Namespace> Namespace::create() {
  Result<Fd> made = invalid("not made");
  std::thread([&made] {
    made = ::unshare(CLONE_NEWNET) == 0 ? own_namespace()
                                        : system_error(errno, "make a network namespace");
  }).join();
  TRY(Fd fd, std::move(made));
  Namespace one(std::move(fd));
  TRY_VOID(one.ip("link set lo up"));
  return one;
}

std::string Namespace::path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd()); }

Result<> Namespace::ip(const std::string& lines) const {
  return run_command({.network_namespace = fd(), .cgroup = {}, .cpu = {}, .hurries = false},
                     {.words = {"ip", "-batch", "-"}, .input = lines + "\n", .environment = {}});
}

Result<> Namespace::set(const std::string& sysctl, const std::string& value) const {
  std::string path = "/proc/sys/" + sysctl;
  std::replace(path.begin() + 10, path.end(), '.', '/');
  return run([&]() -> Result<> {
    std::ofstream file(path);
    file << value << std::flush;
    if (!file) return invalid(fmt::format("{} = {}: not accepted", sysctl, value));
    return {};
  });
}

Result<> Namespace::run(const std::function<Result<>()>& body) const {
  TRY(const Fd before, own_namespace());
  if (::setns(fd(), CLONE_NEWNET) != 0) return system_error(errno, "enter a network namespace");
  auto done = body();
  if (::setns(before.get(), CLONE_NEWNET) != 0)
    return system_error(errno, "leave a network namespace");
  return done;
}

}  // namespace fairlead::bench
