// One HTTP/1.1 exchange over a UNIX socket.
#include "cli/admin_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>

namespace fairlead::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Stream = beast::basic_stream<asio::local::stream_protocol>;
using Response = beast::http::response<beast::http::string_body>;

constexpr std::chrono::seconds kPatience{30};
constexpr std::uint64_t kLargestAnswer = 1ULL << 30;

/// Asynchronous only because a blocking read has no time limit.
struct Exchange {
  asio::io_context io;
  Stream stream{io};
  beast::flat_buffer buffer;
  beast::http::request<beast::http::empty_body> request;
  beast::http::response_parser<beast::http::string_body> parser;
  beast::error_code error;
  const char* doing = "";

  void run(const std::string& socket) {
    parser.body_limit(kLargestAnswer);
    stream.expires_after(kPatience);
    doing = "connect";
    stream.async_connect(
        asio::local::stream_protocol::endpoint(socket), [this](beast::error_code failed) {
          if ((error = failed)) return;
          doing = "send";
          beast::http::async_write(stream, request, [this](beast::error_code unsent, std::size_t) {
            if ((error = unsent)) return;
            doing = "receive";
            beast::http::async_read(
                stream, buffer, parser,
                [this](beast::error_code unread, std::size_t) { error = unread; });
          });
        });
    io.run();
  }
};

std::string error_text(const std::string& body) {
  boost::system::error_code error;
  const auto json = boost::json::parse(body, error);
  if (!error && json.is_object()) {
    const auto* text = json.as_object().if_contains("error");
    if (text != nullptr && text->is_string()) return std::string(text->as_string());
  }
  return body;
}

Result<boost::json::value> exchange_with(const std::string& socket, const std::string& target,
                                         beast::http::verb method) {
  constexpr std::size_t kLongestPath = 107;  // sockaddr_un
  if (socket.size() > kLongestPath) return invalid("--socket: longer than 107 characters");
  Exchange exchange;
  exchange.request.method(method);
  exchange.request.target(target);
  exchange.request.version(11);
  exchange.request.set(beast::http::field::host, "agent");
  if (method == beast::http::verb::post) exchange.request.content_length(0);
  exchange.run(socket);
  if (exchange.error) return failure(exchange.error, "agent at " + socket + ": " + exchange.doing);
  const Response response = exchange.parser.release();
  if (response.result() != beast::http::status::ok) return invalid(error_text(response.body()));
  boost::system::error_code error;
  auto json = boost::json::parse(response.body(), error);
  if (error) return failure(error, "agent at " + socket + ": parse the answer");
  return json;
}

}  // namespace

Result<boost::json::value> ask_agent(const std::string& socket, const std::string& target) {
  return exchange_with(socket, target, beast::http::verb::get);
}

Result<boost::json::value> order_agent(const std::string& socket, const std::string& target) {
  return exchange_with(socket, target, beast::http::verb::post);
}

}  // namespace fairlead::cli
