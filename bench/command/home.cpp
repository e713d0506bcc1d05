// A temporary directory, and a bpffs in a mount namespace of its own.
#include "bench/command/home.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "bench/world/cgroup.hpp"

namespace fairlead::bench {
Result<Home> Home::make() {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return system_error(errno, "a mount namespace of its own (needs root)");
  if (::mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0)
    return system_error(errno, "mount a bpffs on /sys/fs/bpf");
  std::string scratch =
      std::filesystem::temp_directory_path() / (name_of_this_process() + "XXXXXX");
  if (::mkdtemp(scratch.data()) == nullptr) return system_error(errno, "make " + scratch);
  return Home(std::move(scratch));
}

void remove_left_directories() {
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::temp_directory_path(unreadable), unreadable))
    if (is_left_behind(entry.path().filename().string()))
      std::filesystem::remove_all(entry.path(), unreadable);
}

Home::~Home() {
  std::error_code ignored;  // what is left is a temporary file
  if (!scratch_.empty()) std::filesystem::remove_all(scratch_, ignored);
}

}  // namespace fairlead::bench
