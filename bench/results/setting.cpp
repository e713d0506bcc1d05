// uname, /proc/cpuinfo, /proc/meminfo, /sys/devices/system/cpu/vulnerabilities -> Setting.
#include "bench/results/setting.hpp"

#include <fmt/chrono.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

namespace fairlead::bench {
namespace {

/// What follows the colon of the first line that begins so.
std::string field_of(const char* file, std::string_view name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (!line.starts_with(name) || colon == line.npos) continue;
    const auto value = line.find_first_not_of(" \t", colon + 1);
    return value == line.npos ? std::string{} : line.substr(value);
  }
  return {};
}

std::vector<std::string> mitigations() {
  std::vector<std::string> found;
  std::error_code none;
  for (const auto& entry :
       std::filesystem::directory_iterator("/sys/devices/system/cpu/vulnerabilities", none)) {
    std::string text;
    std::getline(std::ifstream(entry.path()) >> std::ws, text);
    if (!text.starts_with("Not affected"))
      found.push_back(fmt::format("{}: {}", entry.path().filename().string(), text));
  }
  std::ranges::sort(found);
  return found;
}

/// The words that this process was called with.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string line, word;
  while (std::getline(file, word, '\0')) line += (line.empty() ? "" : " ") + word;
  return line;
}

}  // namespace

Setting read_setting() {
  Setting setting;
  setting.command = command_line();
  utsname names{};
  if (::uname(&names) == 0) {
    setting.kernel = names.release;
    setting.host = names.nodename;
  }
  setting.started = fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  setting.cpu = field_of("/proc/cpuinfo", "model name");
  setting.cores = static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  setting.memory_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  setting.mitigations = mitigations();
  return setting;
}

}  // namespace fairlead::bench
