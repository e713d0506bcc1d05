// errno, the clock and an echo server's greeting -> what the reports say.
#include "lab/failures.hpp"

#include <cerrno>
#include <chrono>

#include "model/ip.hpp"

namespace fairlead::lab {

std::string kind_of(int error_number) {
  switch (error_number) {
    case ECONNREFUSED:
      return "refused";
    case ECONNRESET:
    case EPIPE:
      return "reset";
    case ETIMEDOUT:
      return "timeout";
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EACCES:
    case EPERM:
      return "unreachable";
    default:
      return "local";
  }
}

std::int64_t unix_milliseconds() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// At least three words, the second an address.
std::string backend_of(std::string_view greeting) {
  auto first = greeting.find(' ');
  auto second = greeting.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return {};
  if (!parse_ip(greeting.substr(first + 1, second - first - 1))) return {};
  return std::string(greeting.substr(0, first));
}

}  // namespace fairlead::lab
