// start -> write_lines beside read_lines -> the socket ends -> the process ends -> pause -> start
#include "agent/bgp/speaker_link.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <utility>

#include "dataplane/bgp/control/codec.hpp"

namespace fairlead::bgp {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Far above what a batch of routes or an answer takes.
constexpr std::size_t kLongestLine = 64UL * 1024 * 1024;

}  // namespace

SpeakerLink::SpeakerLink(asio::io_context& io, SpeakerCommand command, std::vector<Fd> listeners,
                         Events events, Times times, log::Logger log)
    : io_(io),
      command_(std::move(command)),
      listeners_(std::move(listeners)),
      events_(std::move(events)),
      times_(times),
      log_(std::move(log)),
      socket_(io),
      pause_(io),
      written_(io, asio::steady_timer::time_point::max()) {}

SpeakerLink::~SpeakerLink() {
  if (process_.pid == 0) return;
  ::kill(process_.pid, SIGKILL);
  reap(process_.pid);
}

asio::awaitable<void> SpeakerLink::run() {
  auto pause = times_.pause_first;
  while (!stopped_) {
    const auto begin = std::chrono::steady_clock::now();
    auto started = start_speaker(command_, listeners_);
    if (started) {
      process_ = *std::move(started);
      ++starts_;
      co_await serve();
      if (stopped_) break;
    } else {
      log_.error("cannot start the BGP speaker", {{"error", started.error()}});
    }
    if (std::chrono::steady_clock::now() - begin > times_.healthy_after) pause = times_.pause_first;
    pause_.expires_after(pause);
    co_await pause_.async_wait(kAwait);
    pause = std::min(2 * pause, times_.pause_limit);
  }
}

asio::awaitable<void> SpeakerLink::serve() {
  boost::system::error_code ignored;
  socket_ = asio::local::stream_protocol::socket(io_);
  socket_.assign(asio::local::stream_protocol(), ::dup(process_.control.get()), ignored);
  process_.control = Fd();
  lines_.clear();
  log_.info("the BGP speaker runs", {{"pid", process_.pid}});
  events_.started();
  co_await (read_lines() || write_lines());
  socket_.close(ignored);
  const std::string end = co_await await_end();
  process_ = SpeakerProcess();
  if (stopped_) co_return;
  log_.error("the BGP speaker ended, will start it again", {{"how", end}});
  events_.lost();
}

/// Its socket is closed: it ends by itself, or is made to.
asio::awaitable<std::string> SpeakerLink::await_end() {
  asio::posix::stream_descriptor exit(io_, ::dup(process_.exit.get()));
  asio::steady_timer limit(io_, times_.leave_limit);
  co_await (exit.async_wait(asio::posix::stream_descriptor::wait_read, kAwait) ||
            limit.async_wait(kAwait));
  ::kill(process_.pid, SIGKILL);
  co_return reap(process_.pid);
}

asio::awaitable<void> SpeakerLink::read_lines() {
  std::string buffer;
  std::vector<char> piece(256UL * 1024);
  while (true) {
    const auto [error, count] = co_await socket_.async_read_some(asio::buffer(piece), kAwait);
    if (error) co_return;
    buffer.append(piece.data(), count);
    if (!take(buffer)) co_return;
  }
}

/// Hands out the whole lines. False: nothing sensible is to be expected any more.
bool SpeakerLink::take(std::string& buffer) {
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = buffer.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    auto message =
        control::decode_from_speaker(std::string_view(buffer).substr(begin, end - begin));
    if (!message) {
      log_.error("the BGP speaker is not understood", {{"error", message.error()}});
      return false;
    }
    events_.message(*std::move(message));
  }
  buffer.erase(0, begin);
  if (buffer.size() <= kLongestLine) return true;
  log_.error("a line of the BGP speaker has no end", {{"bytes", buffer.size()}});
  return false;
}

asio::awaitable<void> SpeakerLink::write_lines() {
  while (true) {
    if (lines_.empty()) {
      co_await written_.async_wait(kAwait);
      if ((co_await asio::this_coro::cancellation_state).cancelled() !=
          asio::cancellation_type::none)
        co_return;
      continue;
    }
    const Line line = std::move(lines_.front());
    lines_.pop_front();
    const auto [error, count] =
        co_await asio::async_write(socket_, asio::buffer(line.text), kAwait);
    if (error) co_return;
    if (!stopped_ || !lines_.empty()) continue;
    pause_.expires_after(times_.leave_limit);  // it ends by itself, which read_lines() sees
    co_await pause_.async_wait(kAwait);
    co_return;
  }
}

void SpeakerLink::say(const control::ToSpeaker& message) {
  if (process_.pid == 0 || stopped_) return;
  const bool is_settings = std::holds_alternative<control::Settings>(message);
  if (is_settings) std::erase_if(lines_, [](const Line& line) { return line.is_settings; });
  lines_.push_back({control::encode(message), is_settings});
  written_.cancel();
}

void SpeakerLink::stop(control::Leave::How how) {
  if (stopped_) return;
  say(control::Leave{how});
  stopped_ = true;
  pause_.cancel();
}

}  // namespace fairlead::bgp
