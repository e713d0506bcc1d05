// The EAL's arguments -> a started EAL -> virtual devices, in the namespaces of their interfaces.
#include <fcntl.h>
#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "bench/pktgen/dpdk/port.hpp"

namespace fairlead::bench::pktgen {

Result<Eal> Eal::start(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(arguments.size()), pointers.data()) < 0)
    return system_error(rte_errno, "start the EAL (what is before `--`; it said more above)");
  return Eal();
}

Eal::Eal(Eal&& other) noexcept : is_started_(std::exchange(other.is_started_, false)) {}
Eal::~Eal() {
  if (is_started_) rte_eal_cleanup();
}

Result<InNamespace> InNamespace::enter(const std::string& netns) {
  if (netns.empty()) return InNamespace(-1);
  const std::string path = netns.find('/') == std::string::npos ? "/run/netns/" + netns : netns;
  const int there = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (there < 0) return system_error(errno, fmt::format("open network namespace {}", path));
  InNamespace scope(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const bool is_in = ::setns(there, CLONE_NEWNET) == 0;
  const int error = errno;
  ::close(there);
  if (!is_in) return system_error(error, fmt::format("enter network namespace {}", path));
  return scope;
}

InNamespace::InNamespace(InNamespace&& other) noexcept
    : before_(std::exchange(other.before_, -1)) {}
InNamespace::~InNamespace() {
  if (before_ < 0) return;
  // A thread that stayed there would open everything else in the wrong place.
  if (::setns(before_, CLONE_NEWNET) != 0) std::abort();
  ::close(before_);
}

Result<std::string> add_virtual_device(const std::string& netns, const std::string& arguments) {
  TRY(const auto scope, InNamespace::enter(netns));
  const std::size_t comma = arguments.find(',');
  const std::string name = arguments.substr(0, comma);
  const std::string rest = comma == std::string::npos ? "" : arguments.substr(comma + 1);
  if (const int code = rte_eal_hotplug_add("vdev", name.c_str(), rest.c_str()); code != 0)
    return system_error(-code, fmt::format("device '{}'", arguments));
  return name;
}

}  // namespace fairlead::bench::pktgen
