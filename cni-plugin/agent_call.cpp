// connect -> message with the descriptor -> message. The process ends soon, and the kernel closes
// what is open.
#include "cni-plugin/agent_call.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "cni/request.hpp"

namespace fairlead::cni {
namespace {

constexpr long kNanosecondsPerSecond = 1'000'000'000;

/// A message as large as ours can be does not fit into a socket as it is made; beyond the system's
/// limit for it (212 KB) only the administrator may go.
void make_room(int socket, std::size_t bytes) {
  constexpr std::size_t kAlwaysFits = 64 * 1024;
  if (bytes <= kAlwaysFits) return;
  const int room = kMessageBytes;
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
}

Result<int> connect_to(const std::string& path, const Deadline& deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return invalid("path too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (socket < 0) return system_error(errno, "make a socket");
  const timeval left = deadline.left();
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof left);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_error(errno, "connect to " + path);
  }
  return socket;
}

Result<> send(int socket, std::string text, int netns) {
  make_room(socket, text.size());
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof netns)] = {};
  if (netns >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof netns);
    std::memcpy(CMSG_DATA(header), &netns, sizeof netns);
  }
  if (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) return system_error(errno, "ask the agent");
  return {};
}

Result<std::string> receive(int socket, const Deadline& deadline) {
  const timeval left = deadline.left();
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof left);
  ssize_t size = ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC);
  std::string text(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  if (size > 0) size = ::recv(socket, text.data(), text.size(), MSG_DONTWAIT);
  if (size < 0) return system_error(errno, "wait for the agent's answer");
  if (size == 0) return invalid("the agent ended without an answer");
  return text;
}

}  // namespace

Deadline Deadline::after(int seconds) {
  Deadline deadline;
  ::clock_gettime(CLOCK_MONOTONIC, &deadline.at_);
  deadline.at_.tv_sec += seconds;
  return deadline;
}

timeval Deadline::left() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const long nanoseconds =
      (at_.tv_sec - now.tv_sec) * kNanosecondsPerSecond + at_.tv_nsec - now.tv_nsec;
  if (nanoseconds < 1000) return {.tv_sec = 0, .tv_usec = 1};
  return {.tv_sec = nanoseconds / kNanosecondsPerSecond,
          .tv_usec = nanoseconds % kNanosecondsPerSecond / 1000};
}

Result<Answer> ask_agent(const std::string& runtime_directory, const Question& question, int netns,
                         const Deadline& deadline) {
  TRY(const int socket, connect_to(runtime_directory + "/cni.sock", deadline));
  TRY_VOID(send(socket, to_json(question), netns));
  TRY(const std::string text, receive(socket, deadline));
  return parse_answer(text);
}

}  // namespace fairlead::cni
