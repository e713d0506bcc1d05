// listen_*: open, bind, listen, then one accept loop a listener. Each accepted socket becomes a
// coroutine of its own: TLS handshake if any, then Session::run (session.hpp) until either side has
// had enough. stop() cancels the accept loops and whatever connection is not in the middle of an
// answer.
#include "http/server.hpp"

#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/ssl.hpp>
#include <list>

#include "http/session.hpp"

namespace fairlead::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using asio::local::stream_protocol;
using UnixStream = beast::basic_stream<stream_protocol>;

namespace {

std::string name_of(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

std::optional<std::uint32_t> uid_of(int unix_socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  const int failed = ::getsockopt(unix_socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  return failed == 0 ? std::optional(credentials.uid) : std::nullopt;
}

std::string text_of(const X509_NAME_ENTRY* entry) {
  unsigned char* utf8 = nullptr;
  const int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
  if (length < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length));
  OPENSSL_free(utf8);
  return text;
}

/// The subject of the client's certificate, which the handshake has verified.
void read_names(SSL* ssl, Peer& peer) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl),
                                                                &X509_free);
  if (!certificate) return;
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, i);
    const int kind = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    if (kind == NID_commonName) peer.common_name = text_of(entry);
    if (kind == NID_organizationName) peer.organizations.push_back(text_of(entry));
  }
}

/// Opens, binds and listens. `prepare` runs between bind and listen, when nobody can connect yet.
template <class Acceptor, class Prepare>
beast::error_code open_listener(Acceptor& acceptor,
                                const typename Acceptor::endpoint_type& endpoint, Prepare prepare) {
  beast::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) error = prepare();
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

Result<std::shared_ptr<asio::ssl::context>> make_context(const TlsIdentity& identity) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // Clients reconnect often with the same key: resumption needs an id context when client
  // certificates are verified.
  constexpr unsigned char kSessionContext[] = "fairlead";
  SSL_CTX_set_session_id_context(native, kSessionContext, sizeof kSessionContext - 1);
  beast::error_code error;
  context->use_certificate_chain(asio::buffer(identity.certificate_chain), error);
  if (error) return failure(error, "serving certificate");
  context->use_private_key(asio::buffer(identity.private_key), asio::ssl::context::pem, error);
  if (error) return failure(error, "serving key");
  if (!identity.client_ca.empty()) {
    context->add_certificate_authority(asio::buffer(identity.client_ca), error);
    if (!error) context->set_verify_mode(asio::ssl::verify_peer, error);
    if (error) return failure(error, "client CA");
  }
  return context;
}

}  // namespace

struct Server::State : std::enable_shared_from_this<State> {
  struct Connection {
    SessionStatus status;
    asio::cancellation_signal cancel;
  };

  State(asio::io_context& context, ServerOptions given) : io(context), options(std::move(given)) {}

  asio::io_context& io;
  ServerOptions options;
  std::list<Connection> connections;
  std::list<asio::cancellation_signal> listeners;
  std::vector<std::string> socket_paths;
  bool stopping = false;

  void report(const beast::error_code& error, std::string doing) const {
    if (options.on_error) options.on_error({error, std::move(doing) + ": " + error.message()});
  }

  void stop() {
    if (std::exchange(stopping, true)) return;
    for (auto& listener : listeners) listener.emit(asio::cancellation_type::terminal);
    for (auto next = connections.begin(); next != connections.end();) {
      Connection& connection = *next++;
      connection.status.closing = true;
      if (!connection.status.answering) connection.cancel.emit(asio::cancellation_type::terminal);
    }
    for (const std::string& path : socket_paths) ::unlink(path.c_str());
  }

  template <class Acceptor, class Serve>
  void spawn_listener(Acceptor acceptor, Serve serve) {
    auto& signal = listeners.emplace_back();
    asio::co_spawn(io, accept_loop(shared_from_this(), std::move(acceptor), std::move(serve)),
                   asio::bind_cancellation_slot(signal.slot(), [](const std::exception_ptr&) {}));
  }

  template <class Acceptor, class Serve>
  static asio::awaitable<void> accept_loop(std::shared_ptr<State> self, Acceptor acceptor,
                                           Serve serve) {
    while (!self->stopping) {
      auto [error, socket] = co_await acceptor.async_accept(kAwait);
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        // Out of file descriptors: the connection stays in the queue, so accepting again at once
        // would spin.
        self->report(error, "accept");
        asio::steady_timer pause(self->io, std::chrono::milliseconds(100));
        co_await pause.async_wait(kAwait);
        continue;
      }
      if (self->connections.size() >= self->options.limits.connections) continue;
      auto& connection = self->connections.emplace_back();
      const auto position = std::prev(self->connections.end());
      asio::co_spawn(self->io, serve(*self, std::move(socket), connection.status),
                     asio::bind_cancellation_slot(connection.cancel.slot(),
                                                  [self, position](const std::exception_ptr&) {
                                                    self->connections.erase(position);
                                                  }));
    }
  }

  static asio::awaitable<void> serve_plain(State& state, tcp::socket socket,
                                           SessionStatus& status) {
    beast::error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) co_return;
    socket.set_option(tcp::no_delay(true), error);
    beast::tcp_stream stream(std::move(socket));
    Session<beast::tcp_stream> session(stream, state.options, Peer{.address = name_of(remote)},
                                       status);
    co_await session.run();
  }

  static asio::awaitable<void> serve_unix(State& state, stream_protocol::socket socket,
                                          SessionStatus& status) {
    Peer peer{.address = "unix", .uid = uid_of(socket.native_handle())};
    UnixStream stream(std::move(socket));
    Session<UnixStream> session(stream, state.options, std::move(peer), status);
    co_await session.run();
  }

  static asio::awaitable<void> serve_tls(State& state, std::shared_ptr<asio::ssl::context> context,
                                         tcp::socket socket, SessionStatus& status) {
    beast::error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) co_return;
    socket.set_option(tcp::no_delay(true), error);
    beast::ssl_stream<beast::tcp_stream> stream(beast::tcp_stream(std::move(socket)), *context);
    beast::get_lowest_layer(stream).expires_after(state.options.limits.handshake_timeout);
    const auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::server, kAwait);
    if (refused) co_return;
    Peer peer{.address = name_of(remote), .tls = true};
    read_names(stream.native_handle(), peer);
    Session<beast::ssl_stream<beast::tcp_stream>> session(stream, state.options, std::move(peer),
                                                          status);
    co_await session.run();
    beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(1));
    co_await stream.async_shutdown(kAwait);
  }

  Result<std::uint16_t> listen(const TcpEndpoint& endpoint,
                               std::shared_ptr<asio::ssl::context> context) {
    const std::string doing =
        "listen on " + endpoint.address + " port " + std::to_string(endpoint.port);
    beast::error_code error;
    const auto address = asio::ip::make_address(endpoint.address, error);
    if (error) return failure(error, doing);
    tcp::acceptor acceptor(io);
    error = open_listener(acceptor, {address, endpoint.port}, [] { return beast::error_code(); });
    if (error) return failure(error, doing);
    const std::uint16_t port = acceptor.local_endpoint(error).port();
    if (context) {
      spawn_listener(std::move(acceptor),
                     [context](State& state, tcp::socket socket, SessionStatus& status) {
                       return serve_tls(state, context, std::move(socket), status);
                     });
    } else {
      spawn_listener(std::move(acceptor), &State::serve_plain);
    }
    return port;
  }
};

Server::Server(asio::io_context& io, ServerOptions options)
    : state_(std::make_shared<State>(io, std::move(options))) {}

Server::~Server() { state_->stop(); }

Result<std::uint16_t> Server::listen_tcp(const TcpEndpoint& endpoint) {
  return state_->listen(endpoint, nullptr);
}

Result<std::uint16_t> Server::listen_tls(const TcpEndpoint& endpoint, const TlsIdentity& identity) {
  TRY(auto context, make_context(identity));
  return state_->listen(endpoint, std::move(context));
}

Result<> Server::listen_unix(const std::string& path) {
  const std::string doing = "listen on " + path;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return invalid(doing + ": path too long");
  const stream_protocol::endpoint endpoint(path);
  stream_protocol::socket probe(state_->io);
  beast::error_code error;
  probe.connect(endpoint, error);
  if (!error) return system_error(EADDRINUSE, doing);
  if (error == asio::error::connection_refused) ::unlink(path.c_str());
  stream_protocol::acceptor acceptor(state_->io);
  error = open_listener(acceptor, endpoint, [&path] {
    const int failed = ::chmod(path.c_str(), S_IRUSR | S_IWUSR);
    return failed == 0 ? beast::error_code()
                       : beast::error_code(errno, asio::error::get_system_category());
  });
  if (error) return failure(error, doing);
  state_->socket_paths.push_back(path);
  state_->spawn_listener(std::move(acceptor), &State::serve_unix);
  return {};
}

void Server::stop() { state_->stop(); }

std::size_t Server::connections() const { return state_->connections.size(); }

}  // namespace fairlead::http
