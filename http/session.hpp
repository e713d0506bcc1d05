// One connection, whatever it is made of: wait for a request, let the handler answer it, write the
// answer, again. Private to server.cpp.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "http/server.hpp"

namespace fairlead::http {

constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

/// What the server wants to know of a connection: may it be cut now?
struct SessionStatus {
  bool answering = false;  // in the handler's hands or being written; streams are not
  bool closing = false;    // close after the answer
};

/// A request as the handler sees it; moves the body out of the parser's message.
template <class Message>
Request to_request(Message&& message, const Peer& peer) {
  Request request;
  request.method = message.method_string();
  const std::string_view target(message.target().data(), message.target().size());
  const auto question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  request.body = std::move(message.body());
  request.headers = std::move(static_cast<boost::beast::http::fields&>(message.base()));
  request.peer = peer;
  return request;
}

template <class Stream>
class Session final : public BodyStream {
 public:
  Session(Stream& stream, const ServerOptions& options, Peer peer, SessionStatus& status)
      : stream_(stream), options_(options), peer_(std::move(peer)), status_(status) {}

  boost::asio::awaitable<void> run() {
    while (!status_.closing && co_await read_request()) {
      status_.answering = true;
      const bool keep_alive = parser_->get().keep_alive();
      const unsigned version = parser_->get().version();
      const Request request = to_request(parser_->release(), peer_);
      Response response = co_await answer(request);
      const bool again = co_await write_response(request, response, {version, keep_alive});
      status_.answering = false;
      if (!again) break;
    }
  }

  boost::asio::awaitable<bool> write(std::string_view chunk) override {
    if (chunk.empty()) co_return true;  // an empty chunk would end the body
    char size[20];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    std::string framed(size, static_cast<std::size_t>(length));
    framed.append(chunk).append("\r\n");
    co_return co_await write_all(framed);
  }

 private:
  struct Exchange {
    unsigned version;
    bool keep_alive;
  };
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  /// False: no further request on this connection (closed, timed out, or malformed and answered
  /// so).
  boost::asio::awaitable<bool> read_request() {
    namespace http = boost::beast::http;
    const Limits& limits = options_.limits;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser_->body_limit(limits.body_bytes);
    if (buffer_.size() == 0) {
      boost::beast::get_lowest_layer(stream_).expires_after(limits.idle_timeout);
      const auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(4096), kAwait);
      if (error) co_return false;
      buffer_.commit(size);
    }
    boost::beast::get_lowest_layer(stream_).expires_after(limits.read_timeout);
    auto [header_error, header_size] =
        co_await http::async_read_header(stream_, buffer_, *parser_, kAwait);
    if (header_error) co_return co_await refuse(header_error);
    if (parser_->get()[http::field::expect] == "100-continue" && !parser_->is_done()) {
      if (!co_await write_all("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
    }
    boost::beast::get_lowest_layer(stream_).expires_after(limits.read_timeout);
    auto [body_error, body_size] = co_await http::async_read(stream_, buffer_, *parser_, kAwait);
    if (body_error) co_return co_await refuse(body_error);
    co_return true;
  }

  /// Tells a client that speaks HTTP badly; says nothing to one that is gone. Always false.
  boost::asio::awaitable<bool> refuse(boost::beast::error_code error) {
    namespace http = boost::beast::http;
    static const auto& category = http::make_error_code(http::error::end_of_stream).category();
    if (error.category() != category || error == http::error::end_of_stream ||
        error == http::error::partial_message) {
      co_return false;
    }
    std::string_view answer = "400 Bad Request";
    if (error == http::error::body_limit) answer = "413 Request Entity Too Large";
    if (error == http::error::header_limit) answer = "431 Request Header Fields Too Large";
    std::string text = "HTTP/1.1 ";
    text.append(answer).append("\r\nContent-Type: text/plain\r\nConnection: close\r\n");
    text.append("Content-Length: ").append(std::to_string(answer.size() + 1)).append("\r\n\r\n");
    text.append(answer).append("\n");
    if (co_await write_all(text)) co_await drain();
    co_return false;
  }

  /// Closing while the client still sends would reset the connection and lose the answer: take in
  /// some of what it sends.
  boost::asio::awaitable<void> drain() {
    constexpr std::size_t kPatience = 64 * 1024 * 1024;
    std::array<char, 16384> scratch;
    auto& socket = boost::beast::get_lowest_layer(stream_);
    boost::beast::error_code ignored;  // gone already: then reading fails, too
    socket.socket().shutdown(boost::asio::socket_base::shutdown_send, ignored);
    socket.expires_after(std::chrono::seconds(2));
    for (std::size_t total = 0; total < kPatience;) {
      const auto [error, size] = co_await stream_.async_read_some(
          boost::asio::buffer(scratch.data(), scratch.size()), kAwait);
      if (error) co_return;
      total += size;
    }
  }

  boost::asio::awaitable<Response> answer(const Request& request) {
    std::string reason;
    try {
      co_return co_await options_.handler(request);
    } catch (const std::exception& exception) {
      reason = exception.what();
    }
    if (options_.on_error) {
      options_.on_error({std::make_error_code(std::errc::io_error),
                         request.method + " " + request.path + ": handler failed: " + reason});
    }
    Response failed;
    failed.status = 500;
    failed.body = "internal error\n";
    co_return failed;
  }

  /// True if the connection may carry another request.
  boost::asio::awaitable<bool> write_response(const Request& request, Response& response,
                                              Exchange exchange) {
    namespace http = boost::beast::http;
    http::response<http::span_body<const char>> message;
    message.version(exchange.version);
    message.result(response.status);
    message.set(http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) message.insert(name, value);
    if (response.stream) {
      co_await write_stream(message, response);
      co_return false;
    }
    message.keep_alive(exchange.keep_alive && !status_.closing);
    message.content_length(response.body.size());
    if (request.method != "HEAD") {
      message.body() = boost::beast::span<const char>(response.body.data(), response.body.size());
    }
    http::response_serializer<http::span_body<const char>> serializer(message);
    serializer.split(request.method == "HEAD");
    while (!serializer.is_done() && !(request.method == "HEAD" && serializer.is_header_done())) {
      boost::beast::get_lowest_layer(stream_).expires_after(options_.limits.write_timeout);
      const auto [error, size] = co_await http::async_write_some(stream_, serializer, kAwait);
      if (error) co_return false;
    }
    co_return message.keep_alive();
  }

  template <class Message>
  boost::asio::awaitable<void> write_stream(Message& message, Response& response) {
    namespace http = boost::beast::http;
    using namespace boost::asio::experimental::awaitable_operators;
    message.keep_alive(false);
    message.chunked(true);
    http::response_serializer<http::span_body<const char>> serializer(message);
    boost::beast::get_lowest_layer(stream_).expires_after(options_.limits.write_timeout);
    const auto [error, size] = co_await http::async_write_header(stream_, serializer, kAwait);
    if (error) co_return;
    status_.answering = false;
    co_await (run_stream(response) || wait_for_close());
  }

  boost::asio::awaitable<void> run_stream(Response& response) {
    std::string reason;
    try {
      co_await response.stream(*this);
    } catch (const boost::system::system_error& exception) {
      if (exception.code() == boost::asio::error::operation_aborted) co_return;
      reason = exception.what();
    } catch (const std::exception& exception) {
      reason = exception.what();
    }
    if (!reason.empty()) {
      if (options_.on_error) {
        options_.on_error(
            {std::make_error_code(std::errc::io_error), "stream of an answer failed: " + reason});
      }
      co_return;  // without the last chunk: the client sees that the answer is cut
    }
    co_await write_all("0\r\n\r\n");
  }

  /// A client has nothing to say while it is answered; what it does send is dropped with the
  /// connection.
  boost::asio::awaitable<void> wait_for_close() {
    std::array<char, 512> scratch;
    for (;;) {
      boost::beast::get_lowest_layer(stream_).expires_never();
      const auto [error, size] = co_await stream_.async_read_some(
          boost::asio::buffer(scratch.data(), scratch.size()), kAwait);
      if (error) co_return;
    }
  }

  boost::asio::awaitable<bool> write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      boost::beast::get_lowest_layer(stream_).expires_after(options_.limits.write_timeout);
      const auto [error, size] = co_await stream_.async_write_some(
          boost::asio::const_buffer(bytes.data(), bytes.size()), kAwait);
      if (error) co_return false;
      bytes.remove_prefix(size);
    }
    co_return true;
  }

  Stream& stream_;
  const ServerOptions& options_;
  Peer peer_;
  SessionStatus& status_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
};

}  // namespace fairlead::http
