// Pins -> file descriptors -> /proc/self/fdinfo.
#include "bench/ways/pinned_memory.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "dataplane/kernel/fd.hpp"

namespace fairlead::bench {
namespace {

/// The number behind a field of fdinfo; nothing where it has no such field.
std::optional<std::uint64_t> fdinfo_field(const Fd& fd, const std::string& field) {
  std::ifstream lines(fmt::format("/proc/self/fdinfo/{}", fd.get()));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(field + ':')) return std::stoull(line.substr(field.size() + 1));
  return std::nullopt;
}

}  // namespace

Result<std::uint64_t> bytes_of_pinned_maps(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::set<std::uint64_t> counted;  // ids
  std::error_code failed;
  auto entry = std::filesystem::recursive_directory_iterator(directory, failed);
  for (; !failed && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(failed)) {
    if (entry->is_directory()) continue;
    const Fd fd(bpf_obj_get(entry->path().c_str()));
    if (!fd) return system_error(errno, "open the pin " + entry->path().string());
    const auto id = fdinfo_field(fd, "map_id");
    if (!id || !counted.insert(*id).second) continue;
    bytes += fdinfo_field(fd, "memlock").value_or(0);
  }
  if (failed) return failure(failed, "read " + directory);
  return bytes;
}

}  // namespace fairlead::bench
