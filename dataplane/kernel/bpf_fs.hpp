// Directories of pins, and of cgroups.
#pragma once

#include <string>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead {

/// `path`, or the nearest directory above it that exists, is on a bpffs. The error says how to get
/// one.
Result<> check_bpffs(const std::string& path);
/// With all directories above it. One that exists is success.
Result<> make_directories(const std::string& path);
/// Names in a directory, sorted; none if there is no such directory.
Result<std::vector<std::string>> list_directory(const std::string& path);
bool path_exists(const std::string& path);
/// With everything in it. Success if there is nothing.
Result<> remove_tree(const std::string& path);

struct CgroupPlace {
  Fd fd;
  std::string path;  // the one that was meant, or the mount that was found instead
  std::uint64_t id = 0;
};
/// `path`, if it is of cgroup v2; else, on a host that has v1 there, where v2 is mounted.
Result<CgroupPlace> open_cgroup2(const std::string& path);

}  // namespace fairlead
