// One byte asks, one line answers.
#include "bench/load/control.hpp"

#include <array>
#include <cerrno>
#include <thread>

namespace fairlead::bench {
namespace {

constexpr std::size_t kLongestLine = 1024;
/// A datagram that has not come for so long does not come any more.
constexpr std::chrono::milliseconds kQuiet{250}, kBetween{5};

}  // namespace

Result<Control> Control::open(const Ip& address, Port port) {
  const SocketAddress to(address, port);
  const std::string name = to_string(address, port);
  Fd socket = open_socket(to, SOCK_STREAM);
  if (!socket) return socket_error(errno, "connect to " + name);
  limit_sending(socket.get(), kPatience);
  limit_receiving(socket.get(), kPatience);
  send_at_once(socket.get());
  const char kind = static_cast<char>(Kind::kControl);
  if (::connect(socket.get(), to.get(), to.size) != 0)
    return socket_error(errno == EINPROGRESS ? ETIMEDOUT : errno, "connect to " + name);
  if (::send(socket.get(), &kind, 1, MSG_NOSIGNAL) != 1)
    return socket_error(errno, "ask the server at " + name);
  return Control(std::move(socket), name);
}

Result<Counts> Control::ask() {
  if (::send(socket_.get(), &kQuestion, 1, MSG_NOSIGNAL) != 1)
    return socket_error(errno, "ask the server at " + name_);
  std::string line;
  std::array<char, kLongestLine> part{};
  // What does not begin like an answer is none, and may never have an end.
  while (line.empty() || (line.front() == '{' && line.back() != '\n')) {
    const ssize_t received = ::recv(socket_.get(), part.data(), part.size(), 0);
    if (received < 0)
      return socket_error(errno == EAGAIN ? ETIMEDOUT : errno, "ask the server at " + name_);
    if (received == 0 || line.size() > kLongestLine)
      return socket_error(ECONNRESET, "ask the server at " + name_);
    line.append(part.data(), static_cast<std::size_t>(received));
  }
  return parse_counts(line);
}

Result<Counts> Control::ask_until_arrived(const Counts& before, std::uint64_t sent) {
  TRY(Counts counts, ask());
  auto last_change = Clock::now();
  while (counts.datagrams - before.datagrams < sent && Clock::now() - last_change < kQuiet) {
    std::this_thread::sleep_for(kBetween);
    TRY(const Counts now, ask());
    if (now.datagrams != counts.datagrams) last_change = Clock::now();
    counts = now;
  }
  return counts;
}

}  // namespace fairlead::bench
