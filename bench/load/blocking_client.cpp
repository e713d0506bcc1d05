// One connection or request after the other by calls that block: as few as a client can do with.
//
//   connections   socket, connect, send, recv, close
//   connects      socket, connect, close by RST
//   requests      send, recv                 on one connection; UDP: of one socket
//
// The time at which one ended is that at which the next began, so that the clock is read once. A
// time limit of the socket would arm a timer for each answer (a twentieth of a request's cost);
// instead another thread looks at times whether this one gets on, and shuts down what it waits for.
#include <atomic>
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
    for (std::uint64_t turn = 1; began < end && !share_.is_stopped(); ++turn) {
      turn_.store(turn, std::memory_order_relaxed);
      const int error_number = once();
      const auto now = Clock::now();
      if (error_number == 0) {
        ++tally.count;
        tally.latency.record(now - began);
      } else {
        if (is_own_fault(error_number))
          return tl::unexpected(share_.error(error_number, "connect to"));
        tally.fail(was_cut_off_.exchange(false) ? ETIMEDOUT : error_number);
        rest();
      }
      began = error_number == 0 ? now : Clock::now();
    }
    return {};
  }

  void look_after(Clock::time_point now) override {
    const std::uint64_t turn = turn_.load(std::memory_order_relaxed);
    if (turn != seen_turn_) {
      seen_turn_ = turn;
      seen_at_ = now;
    }
    if (now - seen_at_ < kPatience) return;
    seen_at_ = now;
    was_cut_off_ = true;
    // Should it have got on this very moment, a connection is cut off that had just been made: one
    // more failure beside that of five seconds.
    ::shutdown(waiting_on_.load(std::memory_order_relaxed), SHUT_RDWR);
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
    waiting_on_.store(socket.get(), std::memory_order_relaxed);
    if (traffic_ != Traffic::kConnections) reset_on_close(socket.get());
    if (::connect(socket.get(), share_.to.get(), share_.to.size) != 0) return errno;
    if (traffic_ == Traffic::kConnects) return 0;
    return exchange(socket.get());
  }

  /// After a failure on another socket: a late answer to the last request is none to this one.
  int request() {
    if (!socket_) {
      auto connected = connect_now(share_, socket_type());
      if (!connected) return connected.error().code.value();
      socket_ = std::move(*connected);
    }
    waiting_on_.store(socket_.get(), std::memory_order_relaxed);
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

  // For the thread that looks after this one.
  std::atomic<std::uint64_t> turn_{0};
  std::atomic<int> waiting_on_{-1};
  std::atomic<bool> was_cut_off_{false};
  // Its own.
  std::uint64_t seen_turn_ = 0;
  Clock::time_point seen_at_ = Clock::now();
};

}  // namespace

std::unique_ptr<Client> make_blocking_client(const Share& share) {
  return std::make_unique<BlockingClient>(share);
}

}  // namespace fairlead::bench
