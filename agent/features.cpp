// Opens what the agent would open, and closes it again.
#include "agent/features.hpp"

#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <filesystem>

#include "agent/datapaths.hpp"

namespace fairlead {
namespace {

Feature file_system(std::string name, const std::string& path, long magic) {
  struct statfs found {};
  const bool mounted = ::statfs(path.c_str(), &found) == 0 && found.f_type == magic;
  return {.name = std::move(name),
          .available = mounted,
          .detail = mounted ? path : "not mounted at " + path};
}

Feature file(std::string name, const std::string& path) {
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  return {.name = std::move(name), .available = exists, .detail = exists ? path : "no " + path};
}

}  // namespace

std::vector<Feature> probe_features() {
  std::vector<Feature> features;
  utsname system{};
  if (::uname(&system) == 0)
    features.push_back({"kernel", true, std::string(system.sysname) + ' ' + system.release});
  for (const std::string_view name : datapath_names()) {
    AgentConfig config;
    config.datapath = name;
    const auto opened = open_datapath(config, [](const Error&) {});
    features.push_back({"datapath " + std::string(name), opened.has_value(),
                        opened ? "usable" : opened.error().doing});
  }
  features.push_back(file("IPv6", "/proc/net/if_inet6"));
  features.push_back(file("BTF", "/sys/kernel/btf/vmlinux"));
  features.push_back(file_system("BPF file system", "/sys/fs/bpf", BPF_FS_MAGIC));
  features.push_back(file_system("cgroup v2", "/sys/fs/cgroup", CGROUP2_SUPER_MAGIC));
  return features;
}

}  // namespace fairlead
