// Files of a bpffs -> file descriptors -> what the kernel says of them.
#include "bench/support/pins.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "bench/support/measure.hpp"

namespace fairlead::bench {
namespace {

/// `see` gets each pin, and what /proc says that it is: "bpf-map", "bpf-prog", "bpf_link".
void each_pin(const std::string& directory,
              const std::function<void(Fd, const std::string&)>& see) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_directory()) continue;
    Fd fd(bpf_obj_get(entry.path().c_str()));
    if (fd.get() < 0) fail(fmt::format("{}: {}", entry.path().string(), std::strerror(errno)));
    const std::string kind =
        std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd.get())).string();
    see(std::move(fd), kind);
  }
}

std::uint64_t memlock_of(const Fd& fd) {
  std::ifstream lines(fmt::format("/proc/self/fdinfo/{}", fd.get()));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("memlock:")) return std::stoull(line.substr(8));
  fail("a map does not say what memory it has");
}

/// Which program a link has, or a program itself is.
Fd program_of(Fd fd, const std::string& kind) {
  if (kind.find("link") == kind.npos) return fd;
  bpf_link_info link{};
  std::uint32_t size = sizeof(link);
  if (bpf_obj_get_info_by_fd(fd.get(), &link, &size) != 0) fail("a link does not say what it is");
  return Fd(bpf_prog_get_fd_by_id(link.prog_id));
}

}  // namespace

std::vector<PinnedMap> pinned_maps(const std::string& directory) {
  std::vector<PinnedMap> maps;
  each_pin(directory, [&](Fd fd, const std::string& kind) {
    if (kind.find("map") == kind.npos) return;
    bpf_map_info info{};
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) fail("a map does not say what it is");
    const std::uint64_t bytes = memlock_of(fd);
    const std::uint64_t data = std::uint64_t{info.max_entries} * ((info.value_size + 7) / 8 * 8);
    maps.push_back({info.name, std::move(fd), bytes, data});
  });
  return maps;
}

Fd pinned_program(const std::string& directory, const std::string& name) {
  Fd found;
  each_pin(directory, [&](Fd fd, const std::string& kind) {
    if (kind.find("map") != kind.npos) return;
    Fd program = program_of(std::move(fd), kind);
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) return;
    // The kernel's name has 15 characters.
    if (name.starts_with(info.name) &&
        std::strlen(info.name) >= std::min<std::size_t>(name.size(), 15))
      found = std::move(program);
  });
  if (found.get() < 0) fail(fmt::format("{} has no program {}", directory, name));
  return found;
}

void enter_own_bpffs() {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0)
    fail("no bpffs; not root?");
}

namespace {

/// fail() destroys no objects.
std::string& left_behind() {
  static std::string path;
  return path;
}

}  // namespace

OwnCgroup::OwnCgroup() {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, where, type, rest; mounts >> device >> where >> type;) {
    std::getline(mounts, rest);
    if (type == "cgroup2" && path_.empty())
      path_ = fmt::format("{}/fairlead-bench-{}", where, ::getpid());
  }
  if (path_.empty() || ::mkdir(path_.c_str(), 0755) != 0) fail("no cgroup; is cgroup2 mounted?");
  left_behind() = path_;
  (void)std::at_quick_exit([] { ::rmdir(left_behind().c_str()); });
}

OwnCgroup::~OwnCgroup() { ::rmdir(path_.c_str()); }

}  // namespace fairlead::bench
