// Datagrams one way, in batches of one system call: of those that are due, or as fast as can be.
// Each thread's sockets take turns, batch by batch, so that there are as many flows as connections.
#include <array>
#include <cerrno>
#include <ctime>
#include <vector>

#include "bench/load/client.hpp"
#include "bench/load/threads.hpp"

namespace fairlead::bench {
namespace {

constexpr std::size_t kBatch = 32;

class DatagramClient final : public Client {
 public:
  explicit DatagramClient(const Share& share)
      : share_(share), sockets_(share.options->connections), payload_(share.options->bytes) {
    payload_[0] = static_cast<char>(Kind::kSink);
    part_ = {.iov_base = payload_.data(), .iov_len = payload_.size()};
    for (mmsghdr& message : batch_) {
      message.msg_hdr.msg_iov = &part_;
      message.msg_hdr.msg_iovlen = 1;
    }
  }

  Result<> prepare() override {
    for (Fd& socket : sockets_) {
      TRY(socket, connect_now(share_, SOCK_DGRAM));
    }
    wake_punctually();
    return {};
  }

  Result<> run(Tally& tally) override {
    Pacing pacing = share_.pacing(Clock::now());
    for (std::size_t turn = 0; !share_.is_stopped(); turn = (turn + 1) % sockets_.size()) {
      const auto now = Clock::now();
      if (now >= pacing.end() || pacing.is_over(now)) return {};
      const std::size_t due =
          pacing.is_open() ? std::min<std::size_t>(pacing.due(now), kBatch) : kBatch;
      if (due == 0)
        wait_until(pacing.next(now));
      else
        pacing.take(send(sockets_[turn].get(), due, tally));
    }
    return {};
  }

 private:
  static void wait_until(Clock::time_point when) {
    const auto since = when.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const timespec time{.tv_sec = seconds.count(), .tv_nsec = (since - seconds).count()};
    (void)::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
  }

  /// How many went, or failed. One that fails is reported by the call in which it is the first: an
  /// ICMP error of an earlier one has taken its place.
  std::uint64_t send(int socket, std::size_t count, Tally& tally) {
    const int sent = ::sendmmsg(socket, batch_.data(), static_cast<unsigned>(count), MSG_NOSIGNAL);
    if (sent > 0) {
      tally.count += static_cast<std::uint64_t>(sent);
      return static_cast<std::uint64_t>(sent);
    }
    tally.fail(errno);
    return 1;
  }

  Share share_;
  std::vector<Fd> sockets_;
  std::vector<char> payload_;
  iovec part_{};
  std::array<mmsghdr, kBatch> batch_{};
};

}  // namespace

std::unique_ptr<Client> make_datagram_client(const Share& share) {
  return std::make_unique<DatagramClient>(share);
}

}  // namespace fairlead::bench
