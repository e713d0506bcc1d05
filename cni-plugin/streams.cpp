// read and write, whole.
#include "cni-plugin/streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fairlead::cni {

void open_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // open() takes the lowest free number, which is this one.
    if (::fcntl(number, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", O_RDWR);
  }
}

Result<std::string> read_standard_input(std::size_t most_bytes) {
  constexpr std::size_t kChunk = 4096;
  std::string text;
  while (text.size() <= most_bytes) {
    const std::size_t old_size = text.size();
    text.resize(old_size + kChunk);
    const ssize_t got = ::read(STDIN_FILENO, text.data() + old_size, kChunk);
    text.resize(old_size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) return system_error(errno, "read standard input");
  }
  return text;
}

bool write_standard_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace fairlead::cni
