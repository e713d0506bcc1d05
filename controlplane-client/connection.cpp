// name -> addresses -> TCP -> TLS -> request -> header -> body, each with a limit in time.
//
// Boost.Beast does HTTP, its tcp_stream the limits: an expired one closes the socket, so after a
// timeout the connection is only good for destruction. Redirects are not followed here or anywhere:
// an API server has no reason to send one, and the credentials belong to this server alone.
#include "controlplane-client/connection.hpp"

#include <netinet/tcp.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <variant>

namespace fairlead::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using BeastError = boost::system::error_code;
using TlsStream = asio::ssl::stream<beast::tcp_stream>;

constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kHeaderLimit = 32768;
constexpr std::size_t kPiece = 16384;  // a TLS record holds no more

Error io_error(const BeastError& code, std::string doing) {
  if (code == beast::error::timeout) {
    return Error{std::make_error_code(std::errc::timed_out),
                 std::move(doing) + ": no answer in time"};
  }
  if (code == http::error::end_of_stream || code == http::error::partial_message ||
      code == asio::ssl::error::stream_truncated || code == asio::error::eof) {
    return Error{std::make_error_code(std::errc::connection_reset),
                 std::move(doing) + ": the server closed the connection"};
  }
  return Error{code, std::move(doing) + ": " + code.message()};
}

// TCP with or without TLS as one AsyncStream, for Beast.
class Stream {
 public:
  using executor_type = beast::tcp_stream::executor_type;
  explicit Stream(beast::tcp_stream tcp) : stream_(std::move(tcp)) {}
  explicit Stream(TlsStream tls) : stream_(std::move(tls)) {}

  executor_type get_executor() { return lowest().get_executor(); }
  beast::tcp_stream& lowest() {
    auto* tls = std::get_if<TlsStream>(&stream_);
    return tls != nullptr ? tls->next_layer() : std::get<beast::tcp_stream>(stream_);
  }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    if (auto* tls = std::get_if<TlsStream>(&stream_)) {
      return tls->async_read_some(buffers, std::forward<Token>(token));
    }
    return std::get<beast::tcp_stream>(stream_).async_read_some(buffers,
                                                                std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if (auto* tls = std::get_if<TlsStream>(&stream_)) {
      return tls->async_write_some(buffers, std::forward<Token>(token));
    }
    return std::get<beast::tcp_stream>(stream_).async_write_some(buffers,
                                                                 std::forward<Token>(token));
  }

 private:
  std::variant<beast::tcp_stream, TlsStream> stream_;
};

http::request<http::string_body> to_beast(const HttpRequest& request, const std::string& host) {
  http::request<http::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target);
  message.set(http::field::host, host);
  message.set(http::field::user_agent, request.user_agent);
  message.set(http::field::accept, request.accept);
  if (!request.authorization.empty())
    message.set(http::field::authorization, request.authorization);
  if (!request.content_type.empty()) message.set(http::field::content_type, request.content_type);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

std::optional<std::chrono::seconds> retry_after(std::string_view text) {
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

std::string text_of(beast::string_view view) { return {view.data(), view.size()}; }

class HttpConnection final : public Connection {
 public:
  HttpConnection(Stream stream, const ServerAddress& server, const Timing& timing)
      : stream_(std::move(stream)), host_(server.authority), header_limit_(timing.header) {}

  Awaitable<Result<HttpHead>> exchange(const HttpRequest& request) override {
    const auto message = to_beast(request, host_);
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(boost::none);  // pieces are handed on and dropped: any length will do
    stream_.lowest().expires_after(header_limit_);
    const auto [write_error, written] = co_await http::async_write(stream_, message, kToTuple);
    if (write_error) co_return tl::unexpected(io_error(write_error, "send the request"));
    const auto [read_error, read] =
        co_await http::async_read_header(stream_, buffer_, *parser_, kToTuple);
    if (read_error) co_return tl::unexpected(io_error(read_error, "wait for an answer"));
    // Not eager: an eager parser that has delivered a chunk looks for the next one's header, and so
    // would hand on a watch's event only when the one after it arrives.
    parser_->eager(false);
    const auto& head = parser_->get();
    const auto waiting = head[http::field::retry_after];
    co_return HttpHead{head.result_int(), text_of(head[http::field::content_type]),
                       text_of(head[http::field::content_encoding]),
                       retry_after({waiting.data(), waiting.size()})};
  }

  Awaitable<Result<std::string_view>> read(Timing::Duration limit) override {
    while (!parser_->is_done()) {
      parser_->get().body().data = piece_.data();
      parser_->get().body().size = piece_.size();
      stream_.lowest().expires_after(limit);
      auto [error, count] = co_await http::async_read_some(stream_, buffer_, *parser_, kToTuple);
      const std::size_t size = piece_.size() - parser_->get().body().size;
      if (error && error != http::error::need_buffer) {
        broken_ = true;
        co_return tl::unexpected(io_error(error, "read the answer"));
      }
      if (size > 0) co_return std::string_view(piece_.data(), size);
    }
    co_return std::string_view();
  }

  [[nodiscard]] bool reusable() const override {
    return parser_ && parser_->is_done() && parser_->keep_alive() && !broken_;
  }

 private:
  Stream stream_;
  std::string host_;
  Timing::Duration header_limit_;
  beast::flat_buffer buffer_{2 * kHeaderLimit};
  std::optional<http::response_parser<http::buffer_body>> parser_;
  std::array<char, kPiece> piece_{};
  bool broken_ = false;
};

// A lookup runs in a thread of Asio's that cannot be interrupted; we only stop waiting for it.
Awaitable<Result<tcp::resolver::results_type>> resolve(const ServerAddress& server,
                                                       Timing::Duration limit) {
  using asio::experimental::awaitable_operators::operator||;
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  asio::steady_timer timer(executor, limit);
  const std::string doing = "look up " + server.host;
  const auto answer = co_await (resolver.async_resolve(server.host, server.port, kToTuple) ||
                                timer.async_wait(kToTuple));
  const auto* resolved = std::get_if<0>(&answer);
  if (resolved == nullptr) {
    co_return tl::unexpected(
        Error{std::make_error_code(std::errc::timed_out), doing + ": no answer in time"});
  }
  const auto& [error, addresses] = *resolved;
  if (error) co_return tl::unexpected(io_error(error, doing));
  co_return addresses;
}

// The kernel's own limits find a peer that has vanished, also while nothing is being sent.
void set_keepalive(tcp::socket& socket, Timing::Duration limit) {
  const int fd = socket.native_handle();
  const int milliseconds = static_cast<int>(limit.count());
  const int idle = std::max(1, milliseconds / 1000), interval = std::max(1, idle / 3), on = 1;
  // Each is a help and none is needed: what fails here is found by the limit on silence, later.
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Result<> set_verification(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1) return {};
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (SSL_set1_host(ssl, name.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) {
    return invalid("TLS server name \"" + name + "\" cannot be used");
  }
  return {};
}

Awaitable<Result<>> handshake(TlsStream& stream, const TlsOptions& tls, Timing::Duration limit) {
  if (auto set = set_verification(stream.native_handle(), tls.server_name); !set) co_return set;
  stream.set_verify_mode(tls.verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  stream.next_layer().expires_after(limit);
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, kToTuple);
  if (!error) co_return Result<>{};
  Error failed = io_error(error, "TLS handshake");
  const long verified = SSL_get_verify_result(stream.native_handle());
  if (tls.verify && verified != X509_V_OK) {
    failed.code = std::make_error_code(std::errc::permission_denied);
    failed.doing = "TLS handshake: the server's certificate is not accepted for \"" +
                   tls.server_name + "\": " + X509_verify_cert_error_string(verified);
  }
  co_return tl::unexpected(std::move(failed));
}

}  // namespace

Awaitable<Result<std::unique_ptr<Connection>>> Connection::open(const ServerAddress& server,
                                                                const TlsOptions& tls,
                                                                const Timing& timing) {
  auto addresses = co_await resolve(server, timing.connect);
  if (!addresses) co_return tl::unexpected(std::move(addresses).error());

  beast::tcp_stream tcp(co_await asio::this_coro::executor);
  tcp.expires_after(timing.connect);
  const auto [error, endpoint] = co_await tcp.async_connect(*addresses, kToTuple);
  if (error) co_return tl::unexpected(io_error(error, "connect"));
  set_keepalive(tcp.socket(), timing.tcp_user_timeout);
  if (!tls.context)
    co_return std::make_unique<HttpConnection>(Stream(std::move(tcp)), server, timing);

  TlsStream secure(std::move(tcp), *tls.context);
  if (auto shaken = co_await handshake(secure, tls, timing.connect); !shaken) {
    co_return tl::unexpected(std::move(shaken).error());
  }
  co_return std::make_unique<HttpConnection>(Stream(std::move(secure)), server, timing);
}

}  // namespace fairlead::client
