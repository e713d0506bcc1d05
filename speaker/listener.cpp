// readable -> accept until nobody waits -> hand on.
#include "speaker/listener.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "speaker/addresses.hpp"

namespace fairlead::speaker {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// Out of descriptors: the connection stays in the queue, so trying again at once would spin.
constexpr std::chrono::seconds kPause{1};
constexpr int kBacklog = 128;

}  // namespace

Listener::Listener(asio::io_context& io, log::Logger log, Accepted accepted)
    : acceptor_(io), pause_(io), log_(std::move(log)), accepted_(std::move(accepted)) {}

Result<> Listener::open(int socket) {
  TRY(family_, listener_family(socket));
  TRY_VOID(set_listener_options(socket));
  error_code error;
  acceptor_.assign(family_.ipv6 ? tcp::v6() : tcp::v4(), socket, error);
  if (!error) acceptor_.non_blocking(true, error);
  if (!error) acceptor_.listen(kBacklog, error);
  if (error) return failure(error, "listen");
  return {};
}

void Listener::start() {
  for (auto& [socket, from] : std::exchange(waiting_, {})) accepted_(std::move(socket), from);
  if (std::exchange(started_, true)) return;
  asio::co_spawn(acceptor_.get_executor(), accept_loop(), asio::detached);
}

void Listener::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

/// The socket may be older than this process, and hold passwords of a time before. Connections that
/// were made before their peer's password was set are not signed: they go.
void Listener::set_passwords(const Passwords& passwords) {
  const auto before = passwords_;
  for (const auto& [peer, password] : before)
    if (!passwords.contains(peer) && !password.empty()) apply(peer, "");
  std::erase_if(passwords_, [&](const auto& it) { return !passwords.contains(it.first); });
  refused_.clear();
  for (const auto& [peer, password] : passwords) {
    const bool fits = peer.is_v4() ? !family_.ipv6 || family_.both : family_.ipv6;
    const auto known = before.find(peer);
    if (fits && (known == before.end() || known->second != password)) apply(peer, password);
  }
  if (passwords_ == before) return;
  dropping_ = true;
  while (accept_one().value_or(false)) {
  }
  dropping_ = false;
}

void Listener::apply(const Ip& peer, const std::string& password) {
  passwords_.erase(peer);
  if (const auto done = set_password(acceptor_.native_handle(), peer, password); !done) {
    refused_.insert(peer);
    log_.error("cannot set a peer's password, its connections are refused",
               {{"address", to_string(peer)}, {"error", done.error()}});
    return;
  }
  passwords_[peer] = password;
}

Result<bool> Listener::accept_one() {
  error_code error;
  tcp::endpoint from;
  Socket socket(acceptor_.get_executor());
  acceptor_.accept(socket, from, error);
  if (error == asio::error::would_block || error == asio::error::try_again) return false;
  if (error == asio::error::connection_aborted) return true;
  if (error) return failure(error, "accept");
  const Ip address = ip_of(from.address());
  const auto password = passwords_.find(address);
  const bool is_unsigned = dropping_ && password != passwords_.end() && !password->second.empty();
  if (is_unsigned || refused_.contains(address)) return true;
  if (dropping_)
    waiting_.emplace_back(std::move(socket), from);
  else
    accepted_(std::move(socket), from);
  return true;
}

asio::awaitable<void> Listener::accept_loop() {
  while (acceptor_.is_open()) {
    const auto [error] = co_await acceptor_.async_wait(tcp::acceptor::wait_read, kAwait);
    if (error) co_return;
    const auto accepted = accept_one();
    if (accepted) continue;
    log_.error("cannot accept connections", {{"error", accepted.error()}});
    pause_.expires_after(kPause);
    co_await pause_.async_wait(kAwait);
  }
}

}  // namespace fairlead::speaker
