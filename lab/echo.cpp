// One epoll loop: listeners accept, each accepted client gets a line of greeting and then its own
// bytes back, each datagram gets the greeting. What the peer does not read yet waits in the
// client's `unsent`, and the client is not read meanwhile.
#include "lab/echo.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <unordered_map>

#include "lab/sockets.hpp"

namespace fairlead::lab {
namespace {

using Clock = std::chrono::steady_clock;

struct Client {
  Fd socket;
  std::string unsent;
};

class EchoServer {
 public:
  EchoServer(const EchoOptions& options, Fd epoll, Fd signals)
      : options_(options), epoll_(std::move(epoll)), signals_(std::move(signals)) {}

  Result<> open() {
    TRY_VOID(watch(epoll_, signals_.number(), EPOLLIN));
    for (Port port : options_.tcp) TRY_VOID(add_listener(Transport::kTcp, port));
    for (Port port : options_.udp) TRY_VOID(add_listener(Transport::kUdp, port));
    return {};
  }

  Result<> serve() {
    std::array<epoll_event, 256> events{};
    while (!is_drained()) {
      int count =
          ::epoll_wait(epoll_.number(), events.data(), events.size(), draining_since_ ? 50 : -1);
      if (count < 0 && errno != EINTR) return system_error(errno, "wait for events");
      for (int i = 0; i < std::max(count, 0); ++i) handle(events[static_cast<std::size_t>(i)]);
    }
    return {};
  }

 private:
  Result<> add_listener(Transport transport, Port port) {
    TRY(Fd socket, listen_on(transport, port));
    TRY_VOID(watch(epoll_, socket.number(), EPOLLIN));
    int number = socket.number();
    (transport == Transport::kTcp ? tcp_ : udp_).emplace(number, std::move(socket));
    return {};
  }

  [[nodiscard]] bool is_drained() const {
    if (!draining_since_) return false;
    auto now = Clock::now();
    return now - std::max(*draining_since_, last_client_) >= options_.quiet ||
           now - *draining_since_ >= options_.drain;
  }

  void handle(const epoll_event& event) {
    int fd = event.data.fd;
    if (fd == signals_.number()) {
      if (!draining_since_) draining_since_ = Clock::now();
      // A second signal need not be told apart: the descriptor is no longer watched.
      ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, fd, nullptr);
    } else if (tcp_.contains(fd)) {
      accept_clients(fd);
    } else if (udp_.contains(fd)) {
      answer_datagrams(fd);
    } else if (auto client = clients_.find(fd); client != clients_.end()) {
      if (!serve_client(client->second)) clients_.erase(client);
    }
  }

  void accept_clients(int listener) {
    while (true) {
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      Fd socket(::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.number() < 0) return;
      last_client_ = Clock::now();
      Client client{std::move(socket), fmt::format("{} {}\n", options_.name, peer_text(peer))};
      int number = client.socket.number();
      // The client that cannot be watched is closed, which tells it as much.
      if (!watch(epoll_, number, EPOLLIN)) continue;
      if (serve_client(client)) clients_.emplace(number, std::move(client));
    }
  }

  // Sends what waits, then echoes until the peer has nothing more to say. False: the connection is
  // over.
  bool serve_client(Client& client) {
    std::array<char, 16384> buffer{};
    while (true) {
      if (!send_waiting(client)) return false;
      if (!client.unsent.empty())
        return rewatch(epoll_, client.socket.number(), EPOLLOUT).has_value();
      ssize_t got = ::recv(client.socket.number(), buffer.data(), buffer.size(), 0);
      if (got == 0) return false;
      if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) return false;
        return rewatch(epoll_, client.socket.number(), EPOLLIN).has_value();
      }
      client.unsent.assign(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  static bool send_waiting(Client& client) {
    while (!client.unsent.empty()) {
      ssize_t sent =
          ::send(client.socket.number(), client.unsent.data(), client.unsent.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EINTR;
      client.unsent.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }

  void answer_datagrams(int socket) {
    while (true) {
      std::array<char, 2048> payload{};
      alignas(cmsghdr) std::array<char, 128> control{};
      sockaddr_storage peer{};
      iovec data{payload.data(), payload.size()};
      msghdr message{};
      message.msg_name = &peer;
      message.msg_namelen = sizeof peer;
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t got = ::recvmsg(socket, &message, 0);
      if (got < 0) return;
      last_client_ = Clock::now();
      const std::string_view asked(payload.data(), static_cast<std::size_t>(got));
      std::string answer = fmt::format("{} {}{}{}\n", options_.name, peer_text(peer),
                                       asked.starts_with("flow ") ? " " : "",
                                       asked.starts_with("flow ") ? asked : "");
      data = {answer.data(), answer.size()};
      forget_interface(message);
      // A full socket buffer loses the answer, as UDP may.
      (void)::sendmsg(socket, &message, MSG_NOSIGNAL);
    }
  }

  // The control message then says only from which address to answer; the way out is the routing
  // table's choice.
  static void forget_interface(msghdr& message) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
        reinterpret_cast<in6_pktinfo*>(CMSG_DATA(header))->ipi6_ifindex = 0;
      } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
        reinterpret_cast<in_pktinfo*>(CMSG_DATA(header))->ipi_ifindex = 0;
      }
    }
  }

  const EchoOptions& options_;
  Fd epoll_;
  Fd signals_;
  std::unordered_map<int, Fd> tcp_;
  std::unordered_map<int, Fd> udp_;
  std::unordered_map<int, Client> clients_;
  std::optional<Clock::time_point> draining_since_;
  Clock::time_point last_client_{};
};

}  // namespace

Result<> run_echo(const EchoOptions& options) {
  TRY(Fd epoll, make_epoll());
  TRY(Fd signals, signal_descriptor({SIGTERM, SIGINT}));
  EchoServer server(options, std::move(epoll), std::move(signals));
  TRY_VOID(server.open());
  return server.serve();
}

}  // namespace fairlead::lab
