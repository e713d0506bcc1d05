// /proc/net/sockstat and net.ipv4.ip_local_port_range -> is it still quick to find a free port?
//
// connect() looks for a port from a random place on, and tries those of one parity first
// (__inet_hash_connect): with 2/5 of all taken, 4/5 of the half that it prefers, it tries five on
// average. Near one half it tries ten thousand.
#include "bench/load/local_ports.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "model/quoted.hpp"

namespace fairlead::bench {
namespace {

constexpr double kMostTaken = 0.4;

Result<std::string> read_file(const char* path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return system_error(errno, std::string("read ") + path);
  return text;
}

}  // namespace

Result<std::uint64_t> parse_time_wait(std::string_view sockstat) {
  // "TCP: inuse 5 orphan 0 tw 12 alloc 7 mem 1"; IPv6's are counted there, too.
  std::istringstream words{std::string(sockstat)};
  bool is_tcp = false;
  for (std::string word; words >> word;) {
    if (word.back() == ':') is_tcp = word == "TCP:";
    std::uint64_t count = 0;
    if (is_tcp && word == "tw" && words >> count) return count;
  }
  return invalid("/proc/net/sockstat: no 'tw' of TCP in " + quoted(sockstat));
}

Result<> check_local_ports() {
  TRY(const std::string sockstat, read_file("/proc/thread-self/net/sockstat"));
  TRY(const std::uint64_t waiting, parse_time_wait(sockstat));
  TRY(const std::string range, read_file("/proc/sys/net/ipv4/ip_local_port_range"));
  std::istringstream numbers(range);
  std::uint64_t first = 0, last = 0;
  if (!(numbers >> first >> last) || last < first)
    return invalid("net.ipv4.ip_local_port_range: " + quoted(range));
  const std::uint64_t all = last - first + 1;
  if (static_cast<double>(waiting) <= kMostTaken * static_cast<double>(all)) return {};
  return failure(
      std::make_error_code(std::errc::address_not_available),
      fmt::format("{} of {} local ports rest in TIME_WAIT, and connect() takes longer to "
                  "find a free one (set net.ipv4.tcp_max_tw_buckets to 0, or "
                  "net.ipv4.ip_local_port_range wider)",
                  waiting, all));
}

}  // namespace fairlead::bench
