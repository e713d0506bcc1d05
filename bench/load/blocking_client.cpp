// One connection or request after the other by calls that block: as few as a client can do with.
//
//   connections   socket, connect, send, recv, close     (and two options, for the time limits)
//   connects      socket, connect, close by RST
//   requests      send, recv                              on one connection; UDP: of one socket
//
// The time at which one ended is that at which the next began, so that the clock is read once.
#include <cerrno>
#include <vector>

#include "bench/load/client.hpp"

namespace fairlead::bench {
namespace {

class BlockingClient final : public Client {
 public:
  explicit BlockingClient(const Share& share)
      : share_(share), traffic_(share.options->traffic), payload_(share.options->bytes) {
    payload_[0] = static_cast<char>(share.is_alone() ? Kind::kEchoAlone : Kind::kEcho);
  }

  Result<> prepare() override {
    if (keeps_socket()) {
      TRY(socket_, connect_now(share_, socket_type()));
    }
    return {};
  }

  Result<> run(Tally& tally) override {
    auto began = Clock::now();
    const auto end = share_.pacing(began).end();
    while (began < end && !share_.is_stopped()) {
      const int error_number = once();
      const auto now = Clock::now();
      if (error_number == 0) {
        ++tally.count;
        tally.latency.record(now - began);
      } else {
        if (is_own_fault(error_number))
          return tl::unexpected(share_.error(error_number, "connect to"));
        tally.fail(error_number);
      }
      began = now;
    }
    return {};
  }

 private:
  [[nodiscard]] int socket_type() const {
    return traffic_ == Traffic::kUdpRequests ? SOCK_DGRAM : SOCK_STREAM;
  }
  [[nodiscard]] bool keeps_socket() const {
    return traffic_ == Traffic::kRequests || traffic_ == Traffic::kUdpRequests;
  }

  /// 0, or why it failed.
  int once() {
    if (keeps_socket()) return request();
    return connection();
  }

  int connection() {
    const Fd socket = open_socket(share_.to, SOCK_STREAM);
    if (!socket) return errno;
    limit_sending(socket.get(), kPatience);  // of connect(), too
    if (traffic_ != Traffic::kConnections) reset_on_close(socket.get());
    if (::connect(socket.get(), share_.to.get(), share_.to.size) != 0)
      return errno == EINPROGRESS ? ETIMEDOUT : errno;
    if (traffic_ == Traffic::kConnects) return 0;
    limit_receiving(socket.get(), kPatience);
    return exchange(socket.get());
  }

  /// After a failure on another socket: a late answer to the last request is none to this one.
  int request() {
    if (!socket_) {
      auto connected = connect_now(share_, socket_type());
      if (!connected) return connected.error().code.value();
      socket_ = std::move(*connected);
    }
    const int error_number = exchange(socket_.get());
    if (error_number != 0) socket_ = Fd();
    return error_number;
  }

  int exchange(int fd) {
    const std::size_t size = payload_.size();
    for (std::size_t sent = 0; sent < size;) {
      const ssize_t now = ::send(fd, &payload_[sent], size - sent, MSG_NOSIGNAL);
      if (now <= 0) return errno == EAGAIN ? ETIMEDOUT : errno;
      sent += static_cast<std::size_t>(now);
    }
    for (std::size_t received = 0; received < size;) {
      // The answer is what was sent: it may lie over it.
      const ssize_t now = ::recv(fd, &payload_[received], size - received, 0);
      if (now < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
      if (now == 0) return ECONNRESET;
      received += static_cast<std::size_t>(now);
    }
    return 0;
  }

  Share share_;
  Traffic traffic_;
  std::vector<char> payload_;
  Fd socket_;
};

}  // namespace

std::unique_ptr<Client> make_blocking_client(const Share& share) {
  return std::make_unique<BlockingClient>(share);
}

}  // namespace fairlead::bench
