// What a datapath has pinned below a directory of a bpffs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/kernel/fd.hpp"

namespace fairlead::bench {

struct PinnedMap {
  std::string name;  // as the kernel has it: 15 characters
  Fd fd;
  std::uint64_t bytes = 0;       // of kernel memory
  std::uint64_t data_bytes = 0;  // of an array's elements, as they are mapped
};

/// Failures end the process: they would make a figure wrong.
std::vector<PinnedMap> pinned_maps(const std::string& directory);
/// The program `name` in one of the pinned links, or pinned itself.
Fd pinned_program(const std::string& directory, const std::string& name);

/// A bpffs of this process's own on /sys/fs/bpf: with the process all pins are gone.
void enter_own_bpffs();

/// A child of the root of cgroup v2, without processes; gone with the object.
class OwnCgroup {
 public:
  OwnCgroup();
  ~OwnCgroup();
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace fairlead::bench
