// Many connections or requests at a time, or some at given times, by epoll. One exchange is one
// connection or socket that goes round:
//
//        begin                 event                  event
//   idle ------> connecting ---------> sending ----------------> receiving
//     ^  \_____(is connected)___________^  (all is sent at once)     |
//     |                                                              |
//     +----------- finished (counted) or failed (counted) <----------+
//
// Edge triggered, both directions, registered once: each event is a hint to try what the step
// wants.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "bench/load/client.hpp"
#include "bench/load/threads.hpp"

namespace fairlead::bench {
namespace {

using Time = Clock::time_point;

constexpr std::chrono::milliseconds kGlance{100};  // how often deadlines are looked at
constexpr std::size_t kEvents = 256;

struct Exchange {
  enum class Step : std::uint8_t { kIdle, kConnecting, kSending, kReceiving };

  Fd socket;
  Step step = Step::kIdle;
  std::size_t done = 0;  // bytes of the step
  Time due;              // what latency counts from
  Time deadline;         // of the answer, or of the rest
};

class ExchangeClient final : public Client {
 public:
  explicit ExchangeClient(const Share& share)
      : share_(share),
        traffic_(share.options->traffic),
        exchanges_(share.options->connections),
        payload_(share.options->bytes),
        answer_(share.options->bytes) {
    payload_[0] = static_cast<char>(Kind::kEcho);
    idle_.reserve(exchanges_.size());
    resting_.reserve(exchanges_.size());
    for (Exchange& exchange : exchanges_) idle_.push_back(&exchange);
  }

  Result<> prepare() override {
    wake_punctually();
    epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return socket_error(errno, "epoll");
    if (!keeps_sockets()) return {};
    for (Exchange& exchange : exchanges_) {
      TRY(exchange.socket, connect_now(share_, socket_type()));
      TRY_VOID(watch(exchange));
    }
    return {};
  }

  Result<> run(Tally& tally) override {
    tally_ = &tally;
    Time now = Clock::now();
    Pacing pacing = share_.pacing(now);
    is_open_ = pacing.is_open();
    while (!is_done(pacing, now)) {
      end_rest(now);
      begin_due(pacing);
      if (own_fault_ != 0) return tl::unexpected(share_.error(own_fault_, "connect to"));
      advance_until(wake_time(pacing, now));
      now = Clock::now();
      if (now >= next_glance_) fail_overdue(now);
    }
    count_unasked(pacing);
    return {};
  }

 private:
  using Step = Exchange::Step;

  [[nodiscard]] int socket_type() const {
    return traffic_ == Traffic::kUdpRequests ? SOCK_DGRAM : SOCK_STREAM;
  }
  [[nodiscard]] bool keeps_sockets() const {
    return traffic_ == Traffic::kRequests || traffic_ == Traffic::kUdpRequests;
  }

  /// What is due at the end is asked and waited for, with patience.
  [[nodiscard]] bool is_done(const Pacing& pacing, Time now) const {
    if (share_.is_stopped() || now >= pacing.end() + kPatience) return true;
    return pacing.is_over(now) && idle_.size() + resting_.size() == exchanges_.size();
  }

  /// In the order in which they failed.
  void end_rest(Time now) {
    const auto over = std::find_if(resting_.begin(), resting_.end(),
                                   [&](const Exchange* one) { return one->deadline > now; });
    idle_.insert(idle_.end(), resting_.begin(), over);
    resting_.erase(resting_.begin(), over);
  }

  void begin_due(Pacing& pacing) {
    Time now = Clock::now();
    // In an open loop, those that fail at once are idle again: their next turn is after the
    // others'.
    for (std::size_t turns = idle_.size(); turns > 0 && pacing.is_due(now); --turns) {
      Exchange& exchange = *idle_.back();
      idle_.pop_back();
      exchange.due = pacing.next(now);
      exchange.deadline = now + kPatience;
      pacing.take();
      begin(exchange);
      now = Clock::now();
    }
  }

  void begin(Exchange& exchange) {
    if (!exchange.socket && !connect(exchange)) return;
    exchange.done = 0;
    exchange.step = traffic_ == Traffic::kConnects ? Step::kConnecting : Step::kSending;
    advance(exchange);
  }

  bool connect(Exchange& exchange) {
    exchange.socket = open_socket(share_.to, socket_type(), SOCK_NONBLOCK);
    if (!exchange.socket) return fail(exchange, errno);
    const int fd = exchange.socket.get();
    if (traffic_ == Traffic::kResetConnections || traffic_ == Traffic::kConnects)
      reset_on_close(fd);
    if (traffic_ == Traffic::kRequests) send_at_once(fd);
    if (::connect(fd, share_.to.get(), share_.to.size) != 0 && errno != EINPROGRESS)
      return fail(exchange, errno);
    if (!watch(exchange)) return fail(exchange, errno);
    return true;
  }

  Result<> watch(Exchange& exchange) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &exchange;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, exchange.socket.get(), &event) != 0)
      return socket_error(errno, "epoll");
    return {};
  }

  [[nodiscard]] Time wake_time(const Pacing& pacing, Time now) const {
    const bool may_begin = !idle_.empty() && !pacing.is_over(now);
    const Time begin = may_begin ? pacing.next(now) : Time::max();
    const Time rested = resting_.empty() ? Time::max() : resting_.front()->deadline;
    return std::min({begin, rested, next_glance_});
  }

  void advance_until(Time wake) {
    const auto left = std::max(wake - Clock::now(), Clock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    std::array<epoll_event, kEvents> events;
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), kEvents, &timeout, nullptr);
    for (int i = 0; i < count; ++i)
      advance(*static_cast<Exchange*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  /// As far as it goes without waiting.
  void advance(Exchange& exchange) {
    switch (exchange.step) {
      case Step::kIdle:
        return;  // a connection that was closed meanwhile is found so by the next request
      case Step::kConnecting:
        return finish_connect(exchange);
      case Step::kSending:
        return continue_sending(exchange);
      case Step::kReceiving:
        if (receive_all(exchange)) finish(exchange);
        return;
    }
  }

  void continue_sending(Exchange& exchange) {
    const bool has_sent_some = exchange.done > 0;
    if (!send_all(exchange)) return;
    exchange.step = Step::kReceiving;
    exchange.done = 0;
    // The answer is an event to come; but its first part may have been one while the rest was to
    // be sent.
    if (has_sent_some && receive_all(exchange)) finish(exchange);
  }

  /// Events come before the handshake's end, too (a socket that was never connected hangs up).
  void finish_connect(Exchange& exchange) {
    int error_number = 0;
    socklen_t size = sizeof(error_number);
    ::getsockopt(exchange.socket.get(), SOL_SOCKET, SO_ERROR, &error_number, &size);
    if (error_number != 0) return void(fail(exchange, error_number));
    sockaddr_storage peer;
    socklen_t peer_size = sizeof(peer);
    if (::getpeername(exchange.socket.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0)
      finish(exchange);
  }

  /// While the connection is being made, send() says EAGAIN as well.
  bool send_all(Exchange& exchange) {
    while (exchange.done < payload_.size()) {
      const ssize_t now = ::send(exchange.socket.get(), &payload_[exchange.done],
                                 payload_.size() - exchange.done, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (now < 0) return errno == EAGAIN ? false : fail(exchange, errno);
      exchange.done += static_cast<std::size_t>(now);
    }
    return true;
  }

  bool receive_all(Exchange& exchange) {
    while (exchange.done < answer_.size()) {
      const ssize_t now = ::recv(exchange.socket.get(), answer_.data(),
                                 answer_.size() - exchange.done, MSG_DONTWAIT);
      if (now < 0) return errno == EAGAIN ? false : fail(exchange, errno);
      if (now == 0) return fail(exchange, ECONNRESET);
      exchange.done += static_cast<std::size_t>(now);
    }
    return true;
  }

  void finish(Exchange& exchange) {
    tally_->latency.record(Clock::now() - exchange.due);
    ++tally_->count;
    if (!keeps_sockets()) exchange.socket = Fd();
    exchange.step = Step::kIdle;
    idle_.push_back(&exchange);
  }

  /// Returns false. The next begins on another socket: a late answer to this one is none to it.
  bool fail(Exchange& exchange, int error_number) {
    if (is_own_fault(error_number)) own_fault_ = error_number;
    tally_->fail(error_number);
    exchange.socket = Fd();
    exchange.step = Step::kIdle;
    exchange.deadline = Clock::now() + kRest;
    (is_open_ ? idle_ : resting_).push_back(&exchange);
    return false;
  }

  void fail_overdue(Time now) {
    next_glance_ = now + kGlance;
    for (Exchange& exchange : exchanges_)
      if (exchange.step != Step::kIdle && exchange.deadline <= now) fail(exchange, ETIMEDOUT);
  }

  /// Those that were due and had no free connection until patience ended, or that have no answer.
  void count_unasked(const Pacing& pacing) {
    for (Exchange& exchange : exchanges_)
      if (exchange.step != Step::kIdle) fail(exchange, ETIMEDOUT);
    if (!pacing.is_open() || share_.is_stopped()) return;
    const std::uint64_t unasked = pacing.due(pacing.end());
    tally_->failures += unasked;
    if (unasked > 0) tally_->last_failure = ETIMEDOUT;
  }

  Share share_;
  Traffic traffic_;
  std::vector<Exchange> exchanges_;
  std::vector<Exchange*> idle_;
  std::vector<Exchange*> resting_;  // have failed, in a closed loop
  bool is_open_ = false;
  std::vector<char> payload_, answer_;
  Fd epoll_;
  Tally* tally_ = nullptr;
  Time next_glance_{};
  int own_fault_ = 0;
};

}  // namespace

std::unique_ptr<Client> make_exchange_client(const Share& share) {
  return std::make_unique<ExchangeClient>(share);
}

}  // namespace fairlead::bench
