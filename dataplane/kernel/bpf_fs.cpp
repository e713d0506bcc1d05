// statfs(2) tells a bpffs and cgroup v2 from other file systems.
#include "dataplane/kernel/bpf_fs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace fairlead {
namespace {

namespace fs = std::filesystem;

bool is_of(const std::string& path, long magic) {
  struct statfs info {};
  return ::statfs(path.c_str(), &info) == 0 && static_cast<long>(info.f_type) == magic;
}

Result<CgroupPlace> open_place(const std::string& path) {
  CgroupPlace place{Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), path};
  struct stat info {};
  if (!place.fd || ::fstat(place.fd.get(), &info) != 0)
    return system_error(errno, "open cgroup " + path);
  place.id = info.st_ino;
  return place;
}

/// Where cgroup v2 is mounted; empty: nowhere.
std::string cgroup2_mount() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> table(::setmntent("/proc/self/mounts", "r"),
                                                              &::endmntent);
  if (!table) return {};
  mntent entry{};
  char buffer[4096];
  while (::getmntent_r(table.get(), &entry, buffer, sizeof(buffer)) != nullptr)
    if (std::string_view(entry.mnt_type) == "cgroup2") return entry.mnt_dir;
  return {};
}

}  // namespace

Result<> check_bpffs(const std::string& path) {
  fs::path at(path);
  std::error_code error;
  while (!fs::exists(at, error) && at.has_relative_path()) at = at.parent_path();
  if (is_of(at.string(), BPF_FS_MAGIC)) return {};
  return system_error(ENOTSUP, fmt::format("{} is not on a bpffs (mount -t bpf bpf /sys/fs/bpf; in "
                                           "a container it is a volume of the host's)",
                                           path));
}

Result<> make_directories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failure(error, "make directory " + path);
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory)
    return failure(error, "list directory " + path);
  std::ranges::sort(names);
  return names;
}

bool path_exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

Result<> remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error && error != std::errc::no_such_file_or_directory)
    return failure(error, "remove " + path);
  return {};
}

Result<CgroupPlace> open_cgroup2(const std::string& path) {
  if (is_of(path, CGROUP2_SUPER_MAGIC)) return open_place(path);
  const std::string mount = cgroup2_mount();
  if (mount.empty())
    return system_error(ENOTSUP, fmt::format("{} is not of cgroup v2, which is mounted nowhere "
                                             "else (mount -t cgroup2 none /sys/fs/cgroup/unified)",
                                             path));
  return open_place(mount);
}

}  // namespace fairlead
