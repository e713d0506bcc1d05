// accept -> (TLS) -> request -> the test's handler -> next request
#include "test_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/url.hpp>
#include <set>

namespace fairlead::client::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);

Exchange to_exchange(const http::request<http::string_body>& request) {
  Exchange exchange;
  exchange.method = std::string(request.method_string());
  const auto target = boost::urls::parse_origin_form(request.target());
  exchange.path = std::string(target->encoded_path());
  for (const auto& parameter : target->params()) {
    exchange.query[std::string(parameter.key)] = std::string(parameter.value);
  }
  exchange.authorization = std::string(request[http::field::authorization]);
  exchange.content_type = std::string(request[http::field::content_type]);
  exchange.body = request.body();
  return exchange;
}

template <class Stream>
asio::awaitable<bool> write_all(Stream& stream, std::string bytes) {
  const auto [error, count] = co_await asio::async_write(stream, asio::buffer(bytes), kToTuple);
  co_return !error;
}

}  // namespace

struct TestServer::State {
  State(asio::io_context& context, Handler serve)
      : io(context), handler(std::move(serve)), acceptor(context) {}

  asio::io_context& io;
  Handler handler;
  tcp::acceptor acceptor;
  std::optional<asio::ssl::context> tls;
  std::uint16_t port = 0;
  unsigned connections = 0;
  std::set<tcp::socket*> open;
};

namespace {

template <class State, class Stream>
Task serve(std::shared_ptr<State> state, Stream& stream) {
  boost::beast::flat_buffer buffer;
  while (true) {
    http::request<http::string_body> request;
    const auto [error, count] = co_await http::async_read(stream, buffer, request, kToTuple);
    if (error) co_return;
    Exchange exchange = to_exchange(request);
    exchange.raw = [&stream](std::string bytes) { return write_all(stream, std::move(bytes)); };
    const auto handler = state->handler;
    co_await handler(exchange);
    if (exchange.close) co_return;
  }
}

template <class State>
Task session(std::shared_ptr<State> state, tcp::socket socket) {
  ++state->connections;
  if (state->tls) {
    asio::ssl::stream<tcp::socket> stream(std::move(socket), *state->tls);
    state->open.insert(&stream.next_layer());
    const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kToTuple);
    if (!error) co_await serve(state, stream);
    state->open.erase(&stream.next_layer());
  } else {
    state->open.insert(&socket);
    co_await serve(state, socket);
    state->open.erase(&socket);
  }
}

template <class State>
Task accept(std::shared_ptr<State> state) {
  while (state->acceptor.is_open()) {
    auto [error, socket] = co_await state->acceptor.async_accept(kToTuple);
    if (error) co_return;
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(state->io, session(state, std::move(socket)), asio::detached);
  }
}

}  // namespace

TestServer::TestServer(asio::io_context& io, Handler handler, std::optional<KeyPair> identity,
                       const std::string& client_authority)
    : state_(std::make_shared<State>(io, std::move(handler))) {
  if (identity) {
    state_->tls.emplace(asio::ssl::context::tls_server);
    state_->tls->use_certificate_chain(asio::buffer(identity->certificate));
    state_->tls->use_private_key(asio::buffer(identity->key), asio::ssl::context::pem);
    if (!client_authority.empty()) {
      state_->tls->add_certificate_authority(asio::buffer(client_authority));
      state_->tls->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
  }
  resume();
}

TestServer::~TestServer() { vanish(); }

std::string TestServer::url() const {
  return (state_->tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(state_->port);
}

unsigned TestServer::connections() const { return state_->connections; }

void TestServer::vanish() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  for (tcp::socket* socket : state_->open) socket->close(ignored);
}

void TestServer::resume() {
  const tcp::endpoint here(asio::ip::address_v4::loopback(), state_->port);
  state_->acceptor.open(tcp::v4());
  state_->acceptor.set_option(tcp::acceptor::reuse_address(true));
  state_->acceptor.bind(here);
  state_->acceptor.listen();
  state_->port = state_->acceptor.local_endpoint().port();
  asio::co_spawn(state_->io, accept(state_), asio::detached);
}

Task Exchange::reply(unsigned status, std::string text, std::string headers) {
  co_await raw("HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Type: application/json\r\n" +
               headers + "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
}

Task Exchange::begin() {
  co_await raw(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

asio::awaitable<bool> Exchange::send(std::string piece) {
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
  co_return co_await raw(size.data() + piece + "\r\n");
}

Task Exchange::end() { co_await raw("0\r\n\r\n"); }

}  // namespace fairlead::client::test
