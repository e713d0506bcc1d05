// mkdir -p, chmod, flock.
#include "agent/runtime_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace fairlead {

Result<RuntimeDirectory> RuntimeDirectory::claim(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return failure(error, fmt::format("make runtime directory {}", path));
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (error) return failure(error, fmt::format("protect runtime directory {}", path));

  const std::string file = path + "/agent.lock";
  Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return system_error(errno, fmt::format("open {}", file));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (reason != EWOULDBLOCK) return system_error(reason, fmt::format("lock {}", file));
    std::array<char, 32> holder{};
    const auto size = ::pread(lock.get(), holder.data(), holder.size() - 1, 0);
    return tl::unexpected(
        Error{std::make_error_code(std::errc::device_or_resource_busy),
              fmt::format("runtime directory {} belongs to another agent that runs (pid {})", path,
                          size > 0 ? holder.data() : "unknown")});
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(lock.get(), 0) != 0 || ::pwrite(lock.get(), pid.data(), pid.size(), 0) < 0) {
    return system_error(errno, fmt::format("write {}", file));
  }
  return RuntimeDirectory(path, std::move(lock));
}

}  // namespace fairlead
