// A temporary file, then rename. No fsync: the pods of before a power failure are gone anyhow.
#include "cni-plugin/deletion_note.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace fairlead::cni {
namespace {

/// With all above it.
Result<> make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return system_error(errno, "make directory " + part);
    }
    if (slash == std::string::npos) return {};
  }
}

}  // namespace

Result<std::string> write_note(const std::string& state_directory, const Deletion& deletion) {
  const std::string directory = state_directory + "/" + std::string(kDeletionsDirectory);
  TRY_VOID(make_directories(directory));
  // The agent passes over names that begin with a dot, and removes old ones.
  std::string temporary = directory + "/.new-XXXXXX";
  const int file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) return system_error(errno, "make a file in " + directory);
  const std::string text = to_json(deletion), path = directory + "/" + file_name_of(deletion.key);
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || ::close(file) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    return system_error(reason, "write " + path);
  }
  return path;
}

}  // namespace fairlead::cni
