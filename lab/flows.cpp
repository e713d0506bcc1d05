// One epoll loop over all flows:
//
//   send what is due -> wait for events -> check what came back -> break what is overdue
//
// At the end nothing more is sent, and what is under way may come back first.
#include "lab/flows.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include "lab/failures.hpp"

namespace fairlead::lab {
namespace {

using Clock = std::chrono::steady_clock;
namespace json = boost::json;

/// Byte `offset` of the data of flow `id`: eight at a time from SplitMix64, so that neither another
/// flow's bytes nor the same flow's from elsewhere pass for it.
std::uint8_t data_byte(std::uint64_t id, std::uint64_t offset) {
  std::uint64_t word = (id << 40) + offset / 8 + 0x9e3779b97f4a7c15ULL;
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
  word ^= word >> 31;
  return static_cast<std::uint8_t>(word >> (8 * (offset % 8)));
}

struct Flow {
  Fd socket;
  std::uint64_t id = 0;
  bool is_connected = true;
  bool is_broken = false;
  std::string backend;   // empty: has not answered yet
  std::string greeting;  // TCP: of which the end has not come yet
  std::uint64_t sent = 0, checked = 0;
  Clock::time_point next_send, last_progress;
  [[nodiscard]] bool is_quiet() const { return is_broken || sent == checked; }
};

/// What ends a flow; nothing: it goes on.
using Broken = std::optional<std::string>;

class Flows {
 public:
  Flows(const FlowsOptions& options, Fd epoll, Fd signals)
      : options_(options), epoll_(std::move(epoll)), signals_(std::move(signals)) {}

  Result<> run() {
    TRY_VOID(watch(epoll_, signals_.number(), EPOLLIN));
    TRY_VOID(open_all());
    while (!is_over()) {
      send_due();
      TRY_VOID(turn());
      say_ready();
    }
    while (!std::ranges::all_of(flows_, &Flow::is_quiet)) TRY_VOID(turn());
    return {};
  }

  [[nodiscard]] json::object report() const {
    std::uint64_t sent = 0, checked = 0;
    std::map<std::string, std::uint64_t> answers;
    for (const Flow& flow : flows_) {
      sent += flow.sent;
      checked += flow.checked;
      if (!flow.backend.empty()) ++answers[flow.backend];
    }
    json::object by_backend;
    for (const auto& [backend, count] : answers) by_backend[backend] = count;
    return {{"flows", flows_.size()}, {"opened", opened_},     {"sent", sent},
            {"checked", checked},     {"lost", lost_},         {"answers", std::move(by_backend)},
            {"broken", broken_},      {"lostList", lost_list_}};
  }

  [[nodiscard]] bool is_flawless() const {
    return opened_ == flows_.size() && broken_.empty() && lost_ == 0;
  }

 private:
  [[nodiscard]] bool is_udp() const { return options_.transport == Transport::kUdp; }

  Result<> open_all() {
    flows_.reserve(options_.flows);  // events point to them
    started_ = Clock::now();
    for (std::size_t i = 0; i < options_.flows; ++i) {
      Flow& flow = flows_.emplace_back();
      flow.id = i;
      flow.is_connected = !is_udp() || i % 2 == 0;
      // Spread over the pause, so that the flows do not all speak at once.
      flow.next_send = started_ + options_.pause * i / options_.flows;
      flow.last_progress = started_;
      std::optional<Port> from;
      if (options_.first_port != 0)
        from = Port{static_cast<std::uint16_t>(options_.first_port + i)};
      auto socket = flow.is_connected ? connect_to(options_.transport, options_.target, from)
                                      : open_datagram(options_.target.ip.family(), from);
      if (!socket) {
        break_flow(flow, kind_of(socket.error().code.value()));
        continue;
      }
      flow.socket = *std::move(socket);
      TRY_VOID(watch(epoll_, flow.socket.number(), EPOLLIN));
      by_descriptor_[flow.socket.number()] = i;
    }
    return {};
  }

  [[nodiscard]] bool is_over() const {
    if (interrupted_) return true;
    if (options_.duration && Clock::now() - started_ >= *options_.duration) return true;
    return !options_.until_file.empty() && std::filesystem::exists(options_.until_file);
  }

  void say_ready() {
    if (is_ready_ || opened_ < flows_.size()) return;
    is_ready_ = true;
    if (!options_.ready_file.empty()) std::ofstream(options_.ready_file) << "ready\n";
  }

  void send_due() {
    const auto now = Clock::now();
    for (Flow& flow : flows_) {
      if (flow.is_broken || now < flow.next_send) continue;
      // One chunk is under way at a time; the server speaks first.
      if (!flow.is_quiet() || (!is_udp() && flow.backend.empty())) continue;
      flow.next_send = now + options_.pause;
      flow.last_progress = now;
      if (const Broken broken = is_udp() ? send_datagram(flow) : send_data(flow))
        break_flow(flow, *broken);
    }
  }

  Broken send_data(Flow& flow) {
    std::vector<std::uint8_t> chunk(options_.chunk);
    for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = data_byte(flow.id, flow.sent + i);
    const ssize_t sent = ::send(flow.socket.number(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? Broken() : kind_of(errno);
    flow.sent += static_cast<std::uint64_t>(sent);
    return {};
  }

  Broken send_datagram(Flow& flow) {
    const std::string text = datagram(flow, flow.sent);
    const ssize_t sent = flow.is_connected
                             ? ::send(flow.socket.number(), text.data(), text.size(), MSG_NOSIGNAL)
                             : send_to(flow.socket, options_.target, text);
    if (sent < 0) return kind_of(errno);
    ++flow.sent;
    return {};
  }

  static std::string datagram(const Flow& flow, std::uint64_t number) {
    return fmt::format("flow {} {}", flow.id, number);
  }

  Result<> turn() {
    std::array<epoll_event, 256> events{};
    const int count = ::epoll_wait(epoll_.number(), events.data(), events.size(), 5);
    if (count < 0 && errno != EINTR) return system_error(errno, "wait for events");
    for (int i = 0; i < std::max(count, 0); ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == signals_.number()) {
        interrupted_ = true;
        (void)::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, fd, nullptr);
        continue;
      }
      Flow& flow = flows_[by_descriptor_.at(fd)];
      if (flow.is_broken) continue;
      if (const Broken broken = is_udp() ? hear_datagram(flow) : hear_data(flow))
        break_flow(flow, *broken);
    }
    check_overdue();
    return {};
  }

  Broken hear_data(Flow& flow) {
    std::array<std::uint8_t, 4096> buffer{};
    const ssize_t got = ::recv(flow.socket.number(), buffer.data(), buffer.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Broken() : kind_of(errno);
    if (got == 0) return "closed";
    flow.last_progress = Clock::now();
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
      if (flow.backend.empty()) {
        if (buffer[i] != '\n') {
          flow.greeting.push_back(static_cast<char>(buffer[i]));
          continue;
        }
        if (!meet(flow, flow.greeting)) return "wrong-answer";
      } else if (flow.checked == flow.sent || buffer[i] != data_byte(flow.id, flow.checked)) {
        return "corrupt";
      } else {
        ++flow.checked;
      }
    }
    return {};
  }

  /// "NAME ADDRESS PORT flow ID NUMBER"
  Broken hear_datagram(Flow& flow) {
    std::array<char, 512> buffer{};
    sockaddr_storage source{};
    socklen_t length = sizeof source;
    const ssize_t got = ::recvfrom(flow.socket.number(), buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&source), &length);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Broken() : kind_of(errno);
    std::string text(buffer.data(), static_cast<std::size_t>(got));
    std::erase(text, '\n');
    const std::string asked =
        fmt::format("{} {}", to_string(options_.target.ip), options_.target.port.host);
    if (peer_text(source) != asked) return "stranger";
    if (!meet(flow, text)) return flow.backend.empty() ? "wrong-answer" : "moved";
    // An answer that was given up for lost comes late; it is none to the datagram that waits.
    if (flow.is_quiet() || !text.ends_with(' ' + datagram(flow, flow.checked))) return {};
    ++flow.checked;
    flow.last_progress = Clock::now();
    return {};
  }

  /// False: this is no greeting, or another backend's than at first.
  bool meet(Flow& flow, const std::string& greeting) {
    const std::string backend = backend_of(greeting);
    if (backend.empty()) return false;
    if (flow.backend.empty()) {
      flow.backend = backend;
      ++opened_;
    }
    return flow.backend == backend;
  }

  void check_overdue() {
    const auto now = Clock::now();
    for (Flow& flow : flows_) {
      const bool waits = flow.backend.empty() || !flow.is_quiet();
      if (flow.is_broken || !waits || now - flow.last_progress < options_.timeout) continue;
      if (!is_udp()) {
        break_flow(flow, "stalled");
        continue;
      }
      ++lost_;
      lost_list_.push_back(json::object{{"flow", flow.id},
                                        {"number", flow.sent - 1},
                                        {"atMs", unix_milliseconds()},
                                        {"backend", flow.backend}});
      flow.checked = flow.sent;  // no longer waited for
    }
  }

  void break_flow(Flow& flow, const std::string& kind) {
    flow.is_broken = true;
    broken_.push_back(json::object{{"flow", flow.id},
                                   {"kind", kind},
                                   {"atMs", unix_milliseconds()},
                                   {"backend", flow.backend}});
    if (flow.socket.number() >= 0)
      (void)::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, flow.socket.number(), nullptr);
  }

  const FlowsOptions& options_;
  Fd epoll_;
  Fd signals_;
  std::vector<Flow> flows_;
  std::map<int, std::size_t> by_descriptor_;
  Clock::time_point started_;
  bool interrupted_ = false, is_ready_ = false;
  std::size_t opened_ = 0;
  std::uint64_t lost_ = 0;
  json::array broken_, lost_list_;
};

}  // namespace

Result<bool> run_flows(const FlowsOptions& options) {
  TRY(Fd epoll, make_epoll());
  TRY(Fd signals, signal_descriptor({SIGTERM, SIGINT}));
  Flows flows(options, std::move(epoll), std::move(signals));
  TRY_VOID(flows.run());
  fmt::print("{}\n", json::serialize(flows.report()));
  std::fflush(stdout);
  return flows.is_flawless();
}

}  // namespace fairlead::lab
