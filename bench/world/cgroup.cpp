// /proc/self/mounts -> the root of cgroup v2 -> fairlead-bench-PID-NUMBER.
#include "bench/world/cgroup.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace fairlead::bench {
namespace {

constexpr std::string_view kPrefix = "fairlead-bench-";

Result<std::string> root() {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, where, type, rest; mounts >> device >> where >> type;) {
    std::getline(mounts, rest);
    if (type == "cgroup2") return where;
  }
  return invalid("no cgroup2 is mounted");
}

}  // namespace

std::string name_of_this_process() { return fmt::format("{}{}-", kPrefix, ::getpid()); }

bool is_left_behind(std::string_view name) {
  if (!name.starts_with(kPrefix)) return false;
  const std::string_view number = name.substr(kPrefix.size());
  pid_t pid = 0;
  std::from_chars(number.data(), number.data() + number.size(), pid);
  return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

Result<std::string> make_cgroup() {
  static std::atomic<unsigned> number = 0;
  TRY(const std::string below, root());
  const std::string path = fmt::format("{}/{}{}", below, name_of_this_process(), number++);
  if (::mkdir(path.c_str(), 0755) != 0) return system_error(errno, "make cgroup " + path);
  return path;
}

void remove_left_cgroups() {
  const auto below = root();
  if (!below) return;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(*below, unreadable)) {
    if (is_left_behind(entry.path().filename().string())) ::rmdir(entry.path().c_str());
  }
}

}  // namespace fairlead::bench
