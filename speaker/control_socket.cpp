// Lines are read one by one; what is said is collected while the last is being written.
#include "speaker/control_socket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace fairlead::speaker {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// Of Settings with every Service of a large cluster.
constexpr std::size_t kLongestLine = 256 << 20;

}  // namespace

ControlSocket::ControlSocket(asio::io_context& io, Events events)
    : socket_(io), events_(std::move(events)) {}

Result<> ControlSocket::open(int socket) {
  error_code error;
  socket_.assign(asio::local::stream_protocol(), socket, error);
  if (error) return failure(error, "control socket");
  return {};
}

void ControlSocket::start() { asio::co_spawn(socket_.get_executor(), read_loop(), asio::detached); }

void ControlSocket::stop() {
  error_code ignored;
  socket_.close(ignored);
}

asio::awaitable<void> ControlSocket::read_loop() {
  std::string text;
  while (socket_.is_open()) {
    const auto [error, size] = co_await asio::async_read_until(
        socket_, asio::dynamic_buffer(text, kLongestLine), '\n', kAwait);
    if (error) break;
    events_.said(bgp::control::decode_to_speaker(std::string_view(text).substr(0, size)));
    text.erase(0, size);
  }
  events_.closed();
}

void ControlSocket::say(const bgp::control::FromSpeaker& message) {
  queue_ += encode(message);
  if (std::exchange(is_writing_, true)) return;
  asio::co_spawn(socket_.get_executor(), write_loop(), asio::detached);
}

asio::awaitable<void> ControlSocket::write_loop() {
  co_await asio::post(socket_.get_executor(), kAwait);
  while (socket_.is_open() && !queue_.empty()) {
    writing_ = std::exchange(queue_, {});
    const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(writing_), kAwait);
    writing_ = {};
    if (error) break;  // reading says so, too
    if (queue_.empty()) events_.has_room();
  }
  is_writing_ = false;
}

}  // namespace fairlead::speaker
