// mount(2), mkdir(2) and cgroup.procs; the destructors undo what was done, and say what they could
// not.
#include "tests/netns/cluster/bpf_home.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <mntent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

namespace fairlead::test {
namespace {

Result<std::string> cgroup2_mount() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> table(::setmntent("/proc/mounts", "r"),
                                                              ::endmntent);
  if (!table) return system_error(errno, "read /proc/mounts");
  while (const mntent* entry = ::getmntent(table.get())) {  // NOLINT(concurrency-mt-unsafe)
    if (std::string_view(entry->mnt_type) == "cgroup2") return std::string(entry->mnt_dir);
  }
  return system_error(ENOENT, "find a cgroup2 mount");
}

/// This process's cgroup, below the mount: the line "0::/PATH".
Result<std::string> own_cgroup(const std::string& mount) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return mount + line.substr(3);
  }
  return system_error(ENOENT, "find this process's cgroup of version 2");
}

bool move_to(const std::string& cgroup) {
  std::ofstream file(cgroup + "/cgroup.procs");
  file << ::getpid() << std::flush;
  return file.good();
}

}  // namespace

Result<std::unique_ptr<BpfFilesystem>> BpfFilesystem::mount(const std::string& name) {
  std::string path = fmt::format("/run/flt-{}-{}", ::getpid(), name);
  if (::mkdir(path.c_str(), 0700) != 0) return system_error(errno, "make " + path);
  if (::mount("flt", path.c_str(), "bpf", 0, nullptr) != 0) {
    const int error = errno;
    ::rmdir(path.c_str());
    return system_error(error, "mount a bpffs on " + path);
  }
  return std::unique_ptr<BpfFilesystem>(new BpfFilesystem(std::move(path)));
}

BpfFilesystem::~BpfFilesystem() {
  if (::umount2(path_.c_str(), MNT_DETACH) != 0 || ::rmdir(path_.c_str()) != 0)
    std::fprintf(stderr, "%s stays: %s\n", path_.c_str(),
                 std::generic_category().message(errno).c_str());
}

Result<std::unique_ptr<Cgroup>> Cgroup::make(const std::string& name) {
  TRY(const std::string mount, cgroup2_mount());
  TRY(std::string home, own_cgroup(mount));
  std::string path = fmt::format("{}/flt-{}-{}", mount, ::getpid(), name);
  if (::mkdir(path.c_str(), 0755) != 0) return system_error(errno, "make the cgroup " + path);
  return std::unique_ptr<Cgroup>(new Cgroup(std::move(path), std::move(home)));
}

Cgroup::~Cgroup() {
  if (::rmdir(path_.c_str()) != 0)
    std::fprintf(stderr, "cgroup %s stays: %s\n", path_.c_str(),
                 std::generic_category().message(errno).c_str());
}

void Cgroup::run(const std::function<void()>& body) {
  const std::lock_guard lock(mutex_);
  ASSERT_TRUE(move_to(path_)) << "cannot enter " << path_;
  body();
  ASSERT_TRUE(move_to(home_)) << "cannot go back to " << home_;
}

}  // namespace fairlead::test
