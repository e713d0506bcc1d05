// Sockets are made in the namespace and passed on by number; lines go both ways on a socket pair.
#include "tests/netns/bgp/speaker.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace fairlead::test {

using namespace bgp::control;

namespace {

constexpr int kControlFd = 200, kFirstListenFd = 201;
constexpr int kNobody = 65534;

std::string fairlead_path() {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");  // bin/tests/netns/bgp
  return self.parent_path().parent_path().parent_path() / "fairlead";
}

Fd listener(int family, std::uint16_t port) {
  Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in6 address{};
  address.sin6_family = static_cast<sa_family_t>(family);
  address.sin6_port = htons(port);
  if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const socklen_t size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  EXPECT_EQ(::bind(socket.get(), generic, size), 0) << std::strerror(errno);
  EXPECT_EQ(::listen(socket.get(), 8), 0);
  return socket;
}

}  // namespace

Ip ip(std::string_view text) { return *parse_ip(text); }
bgp::Prefix prefix(std::string_view text) { return *parse_cidr(text); }

SpeakerProcess::SpeakerProcess(const Namespace& where, const std::string& log_file,
                               std::uint16_t port) {
  std::array<int, 2> pair{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  control_ = Fd(pair[0]);
  const Fd theirs(pair[1]);
  std::array<Fd, 2> listeners;
  where.run([&] { listeners = {listener(AF_INET, port), listener(AF_INET6, port)}; });
  const std::vector<std::string> arguments{fairlead_path(), "bgp-speaker",
                                           "--control-fd",  std::to_string(kControlFd),
                                           "--listen-fd",   std::to_string(kFirstListenFd),
                                           "--listen-fd",   std::to_string(kFirstListenFd + 1),
                                           "--log-level",   "debug"};
  process_ = std::make_unique<Process>(where.name(), arguments, log_file, [&] {
    ::dup2(theirs.get(), kControlFd);
    for (int i = 0; i < 2; ++i)
      ::dup2(listeners[static_cast<std::size_t>(i)].get(), kFirstListenFd + i);
    const bool dropped = ::setresgid(kNobody, kNobody, kNobody) == 0 &&
                         ::setresuid(kNobody, kNobody, kNobody) == 0 &&
                         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (!dropped) ::_exit(124);
  });
}

void SpeakerProcess::say(const ToSpeaker& message) { say_text(encode(message)); }

void SpeakerProcess::say_text(std::string_view line) {
  while (!line.empty()) {
    const ssize_t sent = ::send(control_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0) << std::strerror(errno);
    line.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void SpeakerProcess::eventually(const std::string& what, const std::function<bool()>& is_true) {
  test::eventually(what, is_true, [this] { read_some(); });
}

void SpeakerProcess::read_some() {
  constexpr int kMoment = 20;  // ms
  pollfd readable{.fd = control_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, kMoment) <= 0) return;
  std::array<char, 65536> bytes;
  const ssize_t size = ::recv(control_.get(), bytes.data(), bytes.size(), 0);
  if (size <= 0) {  // its end: the caller finds what is missing
    ::poll(nullptr, 0, kMoment);
    return;
  }
  buffer_.append(bytes.data(), static_cast<std::size_t>(size));
  std::size_t begin = 0;
  for (std::size_t end; (end = buffer_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string_view line = std::string_view(buffer_).substr(begin, end - begin);
    auto message = decode_from_speaker(line);
    ASSERT_TRUE(message) << message.error().doing << ": " << line;
    said_.append(line.substr(0, 1000)) += '\n';
    take(std::move(*message));
  }
  buffer_.erase(0, begin);
}

void SpeakerProcess::take(FromSpeaker message) {
  if (auto* changed = std::get_if<RoutesChanged>(&message)) {
    for (auto& [destination, via] : changed->set) routes_[destination] = std::move(via);
    for (const auto& gone : changed->gone) gone_ += routes_.erase(gone);
  } else if (auto* status = std::get_if<PeerStatus>(&message)) {
    peers_[status->name] = *status;
  } else if (auto* answer = std::get_if<Answer>(&message)) {
    if (!answer_) {
      answer_ = std::move(*answer);
      return;
    }
    answer_->more = answer->more;
    std::ranges::move(answer->peers, std::back_inserter(answer_->peers));
    std::ranges::move(answer->routes, std::back_inserter(answer_->routes));
  } else {
    EXPECT_FALSE(restart_is_over_) << "said twice";
    restart_is_over_ = true;
  }
}

Answer SpeakerProcess::ask(Ask::What what, std::optional<bgp::Prefix> prefix) {
  answer_.reset();
  const Ask ask{.id = ++last_ask_, .what = what, .prefix = prefix};
  say(ask);
  eventually("an answer", [this] { return answer_ && !answer_->more; });
  if (!answer_) return {};
  EXPECT_EQ(answer_->id, last_ask_);
  return *answer_;
}

PeerStatus SpeakerProcess::peer(const std::string& name) const {
  const auto found = peers_.find(name);
  return found == peers_.end() ? PeerStatus{} : found->second;
}

bool SpeakerProcess::is_established(const std::string& name) const {
  return peer(name).state == bgp::SessionState::kEstablished;
}

std::string SpeakerProcess::route(std::string_view text) const {
  const auto found = routes_.find(prefix(text));
  if (found == routes_.end()) return {};
  std::string words = to_string(found->first) + " via";
  for (const Via& via : found->second)
    words += ' ' + to_string(via.address) + (via.interface.empty() ? "" : '%' + via.interface);
  return words;
}

}  // namespace fairlead::test
