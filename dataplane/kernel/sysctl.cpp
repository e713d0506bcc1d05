// A name -> its file -> one line.
#include "dataplane/kernel/sysctl.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/kernel/fd.hpp"

namespace fairlead {
namespace {

std::string path_of(const std::string& name) {
  std::string path = name;
  if (path.find('/') == path.npos) std::ranges::replace(path, '.', '/');
  return "/proc/sys/" + path;
}

}  // namespace

Result<std::string> read_sysctl(const std::string& name) {
  const Fd file(::open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 256> line{};
  const ssize_t got = file ? ::read(file.get(), line.data(), line.size()) : -1;
  if (got < 0) return system_error(errno, "read sysctl " + name);
  std::string value(line.data(), static_cast<std::size_t>(got));
  while (value.ends_with('\n')) value.pop_back();
  return value;
}

Result<> write_sysctl(const std::string& name, const std::string& value) {
  const Fd file(::open(path_of(name).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), value.data(), value.size()) < 0)
    return system_error(errno, "set sysctl " + name);
  return {};
}

}  // namespace fairlead
