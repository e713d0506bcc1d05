// dial or adopt -> wait until readable, read, hand over, again. Writing is tried at once; only what
// the kernel does not take waits in the queue.
#include "speaker/peer_socket.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "speaker/addresses.hpp"
#include "speaker/tcp_options.hpp"

namespace fairlead::speaker {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// How long a peer that is left may take to read why.
constexpr std::chrono::seconds kLinger{2};
/// In one turn of the loop, so that others have theirs.
constexpr std::size_t kReadAtOnce = 64 * 1024;

}  // namespace

PeerSocket::PeerSocket(asio::io_context& io, bgp::TransportId id, Owner& owner)
    : id_(id), owner_(&owner), socket_(io), linger_(io) {}

void PeerSocket::dial(const bgp::control::Transport& transport, bool internal) {
  asio::co_spawn(socket_.get_executor(), run_dial(shared_from_this(), transport, internal),
                 asio::detached);
}

void PeerSocket::adopt(Tcp::socket socket) {
  socket_ = std::move(socket);
  error_code ignored;
  socket_.non_blocking(true, ignored);
  connected_ = true;
  asio::co_spawn(socket_.get_executor(), run(shared_from_this()), asio::detached);
}

Result<PeerSocket::Tcp::endpoint> PeerSocket::open(const bgp::control::Transport& transport,
                                                   bool internal) {
  TRY(const Tcp::endpoint remote,
      endpoint_of(transport.address, transport.port.host, transport.interface));
  error_code error;
  socket_.open(remote.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (!error && remote.protocol() == Tcp::v6()) socket_.set_option(asio::ip::v6_only(true), error);
  if (error) return failure(error, "open a socket");
  const int socket = socket_.native_handle();
  TRY_VOID(set_options(socket, transport, internal));
  if (!transport.password.empty())
    TRY_VOID(set_password(socket, transport.address, transport.password));
  const std::string& interface = transport.interface;
  if (!interface.empty() && ::setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                                         static_cast<socklen_t>(interface.size())) != 0)
    return system_error(errno, "bind to interface " + interface);
  if (!transport.local_address) return remote;
  TRY(const Tcp::endpoint local, endpoint_of(*transport.local_address, 0, interface));
  socket_.bind(local, error);
  if (error) return failure(error, "bind to " + to_string(*transport.local_address));
  return remote;
}

asio::awaitable<void> PeerSocket::run_dial(std::shared_ptr<PeerSocket> self,
                                           bgp::control::Transport transport, bool internal) {
  // The owner is in the middle of something.
  co_await asio::post(socket_.get_executor(), kAwait);
  if (owner_ == nullptr) co_return;
  const auto remote = open(transport, internal);
  if (!remote) {
    owner_->connect_failed(id_, remote.error());
    co_return;
  }
  const auto [error] = co_await socket_.async_connect(*remote, kAwait);
  if (owner_ == nullptr) co_return close();
  if (error) {
    const Error why{error, "connect: " + error.message()};
    owner_->connect_failed(id_, why);
    co_return;
  }
  connected_ = true;
  owner_->connected(id_);
  co_await run(std::move(self));
}

asio::awaitable<void> PeerSocket::run(std::shared_ptr<PeerSocket> self) {
  while (self->socket_.is_open()) {
    const auto [error] = co_await socket_.async_wait(Tcp::socket::wait_read, kAwait);
    if (error || !read_once()) break;
  }
  if (owner_ != nullptr) owner_->closed(id_);
  close();
}

/// False: the connection is over.
bool PeerSocket::read_once() {
  std::array<std::uint8_t, kReadAtOnce> buffer;
  error_code error;
  const std::size_t size = socket_.read_some(asio::buffer(buffer), error);
  if (error == asio::error::would_block || error == asio::error::try_again) return true;
  if (error) return false;
  if (owner_ == nullptr) return true;
  const bgp::ByteView bytes(buffer.data(), size);
  heard_.feed(bytes);
  owner_->received(id_, bytes);
  return true;
}

/// That it is over is found again by the loop.
void PeerSocket::read_now() {
  if (connected_ && socket_.is_open()) (void)read_once();
}

void PeerSocket::send(bgp::ByteView bytes) {
  if (owner_ == nullptr || !connected_ || broken_) return;
  sent_.feed(bytes);
  queue_.insert(queue_.end(), bytes.begin(), bytes.end());
  if (!waits_to_write_) write_queue();
}

void PeerSocket::write_queue() {
  error_code error;
  while (queued() > 0) {
    const auto rest = asio::buffer(queue_) + written_;
    written_ += socket_.write_some(rest, error);
    if (error == asio::error::would_block || error == asio::error::try_again)
      return wait_until_writable();
    if (error) break;
  }
  broken_ = error.failed();
  queue_ = {};
  written_ = 0;
}

void PeerSocket::wait_until_writable() {
  if (written_ * 2 > queue_.size()) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(written_));
    written_ = 0;
  }
  waits_to_write_ = true;
  if (owner_ != nullptr) owner_->blocked(id_, true);
  socket_.async_wait(Tcp::socket::wait_write, [self = shared_from_this()](const error_code& error) {
    self->waits_to_write_ = false;
    if (error) return;
    if (self->owner_ != nullptr) self->owner_->blocked(self->id_, false);
    self->write_queue();
    if (self->queued() > 0) return;
    if (self->owner_ != nullptr)
      self->owner_->drained(self->id_);
    else
      self->say_no_more();
  });
}

void PeerSocket::end() {
  owner_ = nullptr;
  if (!connected_) return close();
  linger_.expires_after(kLinger);
  linger_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->close();
  });
  if (queued() == 0) say_no_more();
}

/// Closing would reset the connection where something has come that nobody read, and the peer might
/// not see our last words: so it closes first.
void PeerSocket::say_no_more() {
  error_code ignored;
  socket_.shutdown(Tcp::socket::shutdown_send, ignored);
}

void PeerSocket::close() {
  error_code ignored;
  linger_.cancel();
  socket_.close(ignored);
}

std::optional<asio::ip::address> PeerSocket::local_address() const {
  error_code error;
  const auto local = socket_.local_endpoint(error);
  return error ? std::nullopt : std::optional(local.address());
}

}  // namespace fairlead::speaker
