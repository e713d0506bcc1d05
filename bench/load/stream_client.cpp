// As much as goes, in writes of 64 KiB, on one connection (blocking) or on several (epoll). At the
// end each is closed for sending and waits until the server closes, so that the time is that in
// which all of it arrived.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "bench/load/client.hpp"

namespace fairlead::bench {
namespace {

constexpr int kWritesInARow = 4;  // before the other connections have their turn
/// How often stalled ones are looked for.
constexpr std::chrono::duration<int, std::milli> kGlance{100};

class StreamClient final : public Client {
 public:
  explicit StreamClient(const Share& share)
      : share_(share), streams_(share.options->connections), payload_(kWriteBytes) {
    payload_[0] = static_cast<char>(share.is_alone() ? Kind::kSinkAlone : Kind::kSink);
  }

  Result<> prepare() override {
    epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return socket_error(errno, "epoll");
    for (Stream& stream : streams_) {
      TRY(stream.socket, connect_now(share_, SOCK_STREAM));
      TRY_VOID(watch(stream));
    }
    return {};
  }

  Result<> run(Tally& tally) override {
    end_ = share_.pacing(Clock::now()).end();
    TRY_VOID(streams_.size() == 1 ? run_one(tally) : run_many(tally));
    for (Stream& stream : streams_)
      if (stream.socket) ::shutdown(stream.socket.get(), SHUT_WR);
    for (Stream& stream : streams_) {
      char nothing = 0;
      if (!stream.socket) continue;
      limit_receiving(stream.socket.get(), kPatience);
      const ssize_t received = ::recv(stream.socket.get(), &nothing, 1, 0);
      if (received != 0) tally.fail(errno == EAGAIN ? ETIMEDOUT : errno);
    }
    return {};
  }

 private:
  struct Stream {
    Fd socket;
    std::size_t sent = 0;  // of a write
    Clock::time_point last_progress;
  };

  [[nodiscard]] bool is_over() const { return Clock::now() >= end_ || share_.is_stopped(); }

  Result<> watch(Stream& stream) {
    stream.sent = 0;
    stream.last_progress = Clock::now();
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.ptr = &stream;
    if (streams_.size() > 1 &&
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stream.socket.get(), &event) != 0)
      return socket_error(errno, "epoll");
    return {};
  }

  Result<> reconnect(Stream& stream, int error_number, Tally& tally) {
    tally.fail(error_number);
    stream.socket = Fd();
    while (!is_over()) {
      auto connected = connect_now(share_, SOCK_STREAM);
      if (connected) {
        stream.socket = std::move(*connected);
        return watch(stream);
      }
      if (is_own_fault(connected.error().code.value()))
        return tl::unexpected(std::move(connected).error());
      tally.fail(connected.error().code.value());
      rest();
    }
    return {};
  }

  /// What send() says; a write that is complete counts.
  ssize_t send_some(Stream& stream, int flags, Tally& tally) {
    const ssize_t now = ::send(stream.socket.get(), &payload_[stream.sent],
                               payload_.size() - stream.sent, MSG_NOSIGNAL | flags);
    if (now <= 0) return now;
    stream.sent += static_cast<std::size_t>(now);
    if (stream.sent == payload_.size()) {
      stream.sent = 0;
      ++tally.count;
    }
    return now;
  }

  Result<> run_one(Tally& tally) {
    Stream& stream = streams_.front();
    while (stream.socket && !is_over()) {
      if (send_some(stream, 0, tally) <= 0)
        TRY_VOID(reconnect(stream, errno == EAGAIN ? ETIMEDOUT : errno, tally));
    }
    return {};
  }

  Result<> run_many(Tally& tally) {
    std::array<epoll_event, 64> events;
    auto looked = Clock::now();
    while (!is_over()) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), kGlance.count());
      now_ = Clock::now();
      for (int i = 0; i < count; ++i)
        TRY_VOID(fill(*static_cast<Stream*>(events[static_cast<std::size_t>(i)].data.ptr), tally));
      if (now_ - looked < kGlance) continue;
      looked = now_;
      TRY_VOID(reset_stalled(tally));
    }
    return {};
  }

  /// Until its buffer is full, or the others' turn has come.
  Result<> fill(Stream& stream, Tally& tally) {
    stream.last_progress = now_;
    for (int i = 0; i < kWritesInARow; ++i) {
      if (send_some(stream, MSG_DONTWAIT, tally) > 0) continue;
      if (errno == EAGAIN) return {};
      return reconnect(stream, errno, tally);
    }
    return {};
  }

  Result<> reset_stalled(Tally& tally) {
    const auto long_ago = now_ - kPatience;
    for (Stream& stream : streams_)
      if (stream.socket && stream.last_progress < long_ago)
        TRY_VOID(reconnect(stream, ETIMEDOUT, tally));
    return {};
  }

  Share share_;
  Fd epoll_;
  std::vector<Stream> streams_;
  std::vector<char> payload_;
  Clock::time_point end_, now_;
};

}  // namespace

std::unique_ptr<Client> make_stream_client(const Share& share) {
  return std::make_unique<StreamClient>(share);
}

}  // namespace fairlead::bench
