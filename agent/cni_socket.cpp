// SOCK_SEQPACKET by system calls: Asio has neither these sockets nor SCM_RIGHTS.
#include "agent/cni_socket.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace fairlead {
namespace {

/// Whether a process listens at the address.
bool is_alive(const sockaddr_un& address) {
  const Fd probe(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN;
}

/// All descriptors of a message. They are open in this process whether anybody wanted them or not.
std::vector<Fd> take_descriptors(msghdr& message) {
  std::vector<Fd> descriptors;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof number, sizeof number);
      descriptors.emplace_back(number);
    }
  }
  return descriptors;
}

}  // namespace

Result<Fd> listen_for_messages(const std::string& path) {
  const std::string doing = "listen on " + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return invalid(doing + ": path too long");
  path.copy(address.sun_path, path.size());
  if (is_alive(address)) return system_error(EADDRINUSE, doing);
  ::unlink(path.c_str());
  Fd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return system_error(errno, doing);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  // Nobody can connect between bind and listen, so nobody can before the mode is right.
  if (::bind(listener.get(), generic, sizeof address) != 0 ||
      ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(listener.get(), SOMAXCONN) != 0) {
    return system_error(errno, doing);
  }
  return listener;
}

Result<std::optional<Fd>> accept_connection(int listener) {
  Fd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (connection) return connection;
  const bool nobody = errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
  if (nobody) return std::nullopt;
  return system_error(errno, "accept a CNI request");
}

bool is_owner(int connection) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
  return credentials.uid == 0 || credentials.uid == ::geteuid();
}

bool is_gone(int connection) {
  pollfd state{.fd = connection, .events = POLLRDHUP, .revents = 0};
  return ::poll(&state, 1, 0) > 0;
}

Result<std::optional<SocketMessage>> receive_message(int connection, std::size_t most_bytes) {
  const ssize_t size = ::recv(connection, nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return std::nullopt;
  if (size < 0) return system_error(errno, "receive a CNI request");
  if (size == 0) return SocketMessage{};
  if (static_cast<std::size_t>(size) > most_bytes) {
    // Taken all the same: a socket that is closed with something unread loses the answer in it.
    ::recv(connection, nullptr, 0, MSG_DONTWAIT);
    return invalid(fmt::format("a CNI request of {} bytes, more than {}", size, most_bytes));
  }
  SocketMessage received;
  received.text.resize(static_cast<std::size_t>(size));
  iovec part{received.text.data(), received.text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return system_error(errno, "receive a CNI request");
  // The kernel closes those that did not fit. (Alignment leaves room for a second one.)
  auto descriptors = take_descriptors(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || descriptors.size() > 1) {
    return invalid("a CNI request with more than one descriptor");
  }
  received.text.resize(static_cast<std::size_t>(got));
  if (!descriptors.empty()) received.descriptor = std::move(descriptors.front());
  return received;
}

Result<> send_message(int connection, std::string_view text) {
  // Beyond what a socket holds as it is made; 212 KB is the limit of those who are not root.
  constexpr std::size_t kAlwaysFits = 64 * 1024;
  if (const int room = static_cast<int>(text.size()); text.size() > kAlwaysFits) {
    ::setsockopt(connection, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  }
  if (::send(connection, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return system_error(errno, "answer a CNI request");
  }
  return {};
}

}  // namespace fairlead
