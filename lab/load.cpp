// A conversation is one connection (or one UDP socket): greeting, then lines that must come back as
// they went. Short ones end after one line; long ones go on until the end, a numbered line each 50
// ms. One epoll loop drives them all:
//
//   launch what the rate says is due -> wait for events -> advance the conversations they name ->
//   fail those past their deadline
//
// Every conversation that was launched ends in exactly one count.
#include "lab/load.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <vector>

#include "lab/failures.hpp"

namespace fairlead::lab {
namespace {

using Clock = std::chrono::steady_clock;
namespace json = boost::json;

constexpr std::chrono::milliseconds kLongPause{50};
constexpr std::size_t kListedFailures = 1000;  // more are counted, not listed

enum class Progress : std::uint8_t { kConnecting, kGreeting, kEcho, kPause };

struct Conversation {
  Fd socket;
  Progress progress = Progress::kConnecting;
  bool is_long = false;
  std::uint64_t id = 0;
  std::uint64_t sequence = 0;
  Clock::time_point started;
  Clock::time_point
      deadline;  // of the answer that is waited for; in a pause: when the next line goes out
  std::string backend;
  std::string received;
  std::string expected;
};

struct Failure {
  std::string kind;
  std::int64_t at_ms = 0;
  std::string backend;
};

json::array to_json(const std::vector<Failure>& failures) {
  json::array list;
  for (const Failure& failure : failures)
    list.push_back({{"kind", failure.kind}, {"atMs", failure.at_ms}, {"backend", failure.backend}});
  return list;
}

json::object to_json(const std::map<std::string, std::uint64_t>& counts) {
  json::object object;
  for (const auto& [key, count] : counts) object[key] = count;
  return object;
}

tl::unexpected<Error> failed(const std::string& what, const std::string& kind) {
  return tl::unexpected(
      Error{std::make_error_code(std::errc::connection_aborted), what + ": " + kind});
}

class Load {
 public:
  Load(const LoadOptions& options, Fd epoll, Fd signals)
      : options_(options), epoll_(std::move(epoll)), signals_(std::move(signals)) {}

  Result<> run() {
    TRY_VOID(watch(epoll_, signals_.number(), EPOLLIN));
    for (std::size_t i = 0; i < options_.keep_open; ++i) launch(true);
    started_ = Clock::now();
    while (!is_over()) {
      launch_due();
      TRY_VOID(wait_for_events());
      check_deadlines();
    }
    // What runs may end by itself; what does not, fails at its deadline.
    while (short_running_ > 0) {
      TRY_VOID(wait_for_events());
      check_deadlines();
    }
    return {};
  }

  [[nodiscard]] bool is_flawless() const {
    return successes_ > 0 && failures_by_kind_.empty() && broken_.empty();
  }

  [[nodiscard]] json::object report() const {
    std::uint64_t failures = 0;
    for (const auto& [kind, count] : failures_by_kind_) failures += count;
    return {{"attempts", attempts_},
            {"successes", successes_},
            {"failures", failures},
            {"failuresByKind", to_json(failures_by_kind_)},
            {"failureList", to_json(failures_)},
            {"answers", to_json(answers_)},
            {"slowestMs", std::chrono::ceil<std::chrono::milliseconds>(slowest_).count()},
            {"long", json::object{{"opened", long_opened_},
                                  {"messages", long_messages_},
                                  {"answers", to_json(long_answers_)},
                                  {"broken", to_json(broken_)}}}};
  }

 private:
  [[nodiscard]] bool is_over() {
    if (interrupted_) return true;
    if (options_.count && attempts_ >= *options_.count) return true;
    if (options_.duration && Clock::now() - started_ >= *options_.duration) return true;
    return !options_.until_file.empty() && std::filesystem::exists(options_.until_file);
  }

  void launch_due() {
    double elapsed = std::chrono::duration<double>(Clock::now() - started_).count();
    auto due = static_cast<std::uint64_t>(elapsed * options_.rate) + 1;
    if (options_.count) due = std::min(due, *options_.count);
    while (attempts_ < due && short_running_ < options_.connections) launch(false);
  }

  void launch(bool is_long) {
    Conversation conversation;
    conversation.is_long = is_long;
    conversation.id = ++last_id_;
    conversation.started = Clock::now();
    conversation.deadline = conversation.started + options_.timeout;
    if (!is_long) {
      ++attempts_;
      ++short_running_;
    }
    auto socket = connect_to(options_.transport, options_.target);
    if (!socket) return count_end(conversation, kind_of(socket.error().code.value()));
    conversation.socket = *std::move(socket);
    int fd = conversation.socket.number();
    if (!watch(epoll_, fd, EPOLLIN | EPOLLOUT)) return count_end(conversation, "local");
    running_.emplace(fd, std::move(conversation));
  }

  Result<> wait_for_events() {
    std::array<epoll_event, 256> events{};
    int count = ::epoll_wait(epoll_.number(), events.data(), events.size(), 5);
    if (count < 0 && errno != EINTR) return system_error(errno, "wait for events");
    for (int i = 0; i < std::max(count, 0); ++i) {
      int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == signals_.number()) {
        interrupted_ = true;
        (void)::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, fd, nullptr);
      } else if (auto found = running_.find(fd); found != running_.end()) {
        finish_if(found, advance(found->second));
      }
    }
    return {};
  }

  void check_deadlines() {
    auto now = Clock::now();
    for (auto it = running_.begin(); it != running_.end();) {
      auto current = it++;
      if (now < current->second.deadline) continue;
      bool is_pause = current->second.progress == Progress::kPause;
      finish_if(current,
                is_pause ? say_next(current->second) : std::optional<std::string>("timeout"));
    }
  }

  using Running = std::unordered_map<int, Conversation>;

  // `outcome`: nothing while it goes on, "" when it ended well, else the kind of failure.
  void finish_if(Running::iterator conversation, const std::optional<std::string>& outcome) {
    if (!outcome) return;
    count_end(conversation->second, *outcome);
    running_.erase(conversation);
  }

  void count_end(const Conversation& conversation, const std::string& kind) {
    Failure failure{kind, unix_milliseconds(), conversation.backend};
    if (conversation.is_long) {
      broken_.push_back(std::move(failure));
      return;
    }
    --short_running_;
    if (kind.empty()) {
      ++successes_;
      ++answers_[conversation.backend];
      slowest_ = std::max(slowest_, Clock::now() - conversation.started);
      return;
    }
    ++failures_by_kind_[kind];
    if (failures_.size() < kListedFailures) failures_.push_back(std::move(failure));
  }

  std::optional<std::string> advance(Conversation& conversation) {
    if (conversation.progress == Progress::kConnecting) {
      int error_number = 0;
      socklen_t length = sizeof error_number;
      (void)::getsockopt(conversation.socket.number(), SOL_SOCKET, SO_ERROR, &error_number,
                         &length);
      if (error_number != 0) return kind_of(error_number);
      conversation.progress = Progress::kGreeting;
      if (!rewatch(epoll_, conversation.socket.number(), EPOLLIN)) return "local";
      if (options_.transport == Transport::kUdp) {
        if (auto failed = say(conversation, "hello\n")) return failed;
      }
    }
    return hear(conversation);
  }

  std::optional<std::string> hear(Conversation& conversation) {
    std::array<char, 4096> buffer{};
    ssize_t got = ::recv(conversation.socket.number(), buffer.data(), buffer.size(), 0);
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) return std::nullopt;
      return kind_of(errno);
    }
    if (got == 0) return "closed";
    conversation.received.append(buffer.data(), static_cast<std::size_t>(got));
    while (true) {
      auto end = conversation.received.find('\n');
      if (end == std::string::npos) return std::nullopt;
      std::string line = conversation.received.substr(0, end);
      conversation.received.erase(0, end + 1);
      if (auto outcome = take_line(conversation, line)) return outcome;
    }
  }

  std::optional<std::string> take_line(Conversation& conversation, const std::string& line) {
    if (conversation.progress == Progress::kGreeting) return take_greeting(conversation, line);
    if (conversation.progress != Progress::kEcho || line != conversation.expected)
      return "wrong-answer";
    if (!conversation.is_long) return "";
    ++long_messages_;
    pause(conversation);
    return std::nullopt;
  }

  // UDP is greeted anew for each datagram; there the first greeting is all that a short
  // conversation has to hear.
  std::optional<std::string> take_greeting(Conversation& conversation, const std::string& line) {
    std::string backend = backend_of(line);
    if (backend.empty()) return "wrong-answer";
    if (conversation.backend.empty()) {
      conversation.backend = backend;
      if (conversation.is_long) {
        ++long_opened_;
        ++long_answers_[backend];
      }
    }
    if (conversation.backend != backend) return "moved";
    if (options_.transport == Transport::kTcp) return say_next(conversation);
    if (!conversation.is_long) return "";
    ++long_messages_;
    pause(conversation);
    return std::nullopt;
  }

  static void pause(Conversation& conversation) {
    conversation.progress = Progress::kPause;
    conversation.deadline = Clock::now() + kLongPause;
  }

  std::optional<std::string> say_next(Conversation& conversation) {
    bool is_udp = options_.transport == Transport::kUdp;
    conversation.progress = is_udp ? Progress::kGreeting : Progress::kEcho;
    conversation.deadline = Clock::now() + options_.timeout;
    conversation.expected =
        fmt::format("conversation {} line {}", conversation.id, ++conversation.sequence);
    return say(conversation, conversation.expected + '\n');
  }

  // A line is far smaller than a socket buffer that the peer keeps empty, so a partial write is a
  // failure of its own.
  static std::optional<std::string> say(const Conversation& conversation, const std::string& line) {
    ssize_t sent = ::send(conversation.socket.number(), line.data(), line.size(), MSG_NOSIGNAL);
    if (sent < 0) return kind_of(errno);
    if (static_cast<std::size_t>(sent) != line.size()) return "local";
    return std::nullopt;
  }

  const LoadOptions& options_;
  Fd epoll_;
  Fd signals_;
  Running running_;
  bool interrupted_ = false;
  Clock::time_point started_;
  std::uint64_t last_id_ = 0;
  std::size_t short_running_ = 0;
  std::uint64_t attempts_ = 0;
  std::uint64_t successes_ = 0;
  std::uint64_t long_opened_ = 0;  // greeted at least once
  std::uint64_t long_messages_ = 0;
  Clock::duration slowest_{};
  std::map<std::string, std::uint64_t> answers_;
  std::map<std::string, std::uint64_t> long_answers_;
  std::map<std::string, std::uint64_t> failures_by_kind_;
  std::vector<Failure> failures_;
  std::vector<Failure> broken_;
};

}  // namespace

Result<bool> run_load(const LoadOptions& options) {
  TRY(Fd epoll, make_epoll());
  TRY(Fd signals, signal_descriptor({SIGTERM, SIGINT}));
  Load load(options, std::move(epoll), std::move(signals));
  TRY_VOID(load.run());
  fmt::print("{}\n", json::serialize(load.report()));
  std::fflush(stdout);
  return load.is_flawless();
}

Result<> run_ask(Transport transport, const Target& target, std::chrono::milliseconds timeout) {
  const std::string what = fmt::format("ask {}", to_string(target.ip, target.port));
  const auto opened = connect_to(transport, target);
  if (!opened) return failed(what, kind_of(opened.error().code.value()));
  const Fd& socket = *opened;
  pollfd ready{socket.number(), POLLOUT, 0};
  if (::poll(&ready, 1, static_cast<int>(timeout.count())) == 0) return failed(what, "timeout");
  int error_number = 0;
  socklen_t length = sizeof error_number;
  (void)::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error_number, &length);
  if (error_number != 0) return failed(what, kind_of(error_number));
  if (transport == Transport::kUdp && ::send(socket.number(), "hello\n", 6, MSG_NOSIGNAL) < 0)
    return failed(what, kind_of(errno));
  ready.events = POLLIN;
  if (::poll(&ready, 1, static_cast<int>(timeout.count())) == 0) return failed(what, "timeout");
  std::array<char, 512> buffer{};
  ssize_t got = ::recv(socket.number(), buffer.data(), buffer.size(), 0);
  if (got < 0) return failed(what, kind_of(errno));
  if (got == 0) return failed(what, "closed");
  fmt::print("{}", std::string_view(buffer.data(), static_cast<std::size_t>(got)));
  return {};
}

}  // namespace fairlead::lab
