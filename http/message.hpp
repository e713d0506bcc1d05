// What a handler is given and what it answers. One HTTP/1.1 exchange; the connection is the
// server's business.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/fields.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::http {

/// Who is on the other end. The names come from a client certificate that the server's CA signed;
/// empty without one.
struct Peer {
  std::string address = {};  // "10.0.0.1:4000"; "unix" for a UNIX socket
  bool tls = false;
  std::string common_name = {};
  std::vector<std::string> organizations = {};
  /// Of the process at the other end of a UNIX socket, as the kernel says (SO_PEERCRED); else none.
  std::optional<std::uint32_t> uid = {};
};

struct Request {
  std::string method;  // "GET"
  std::string path;    // "/api/v1/services", as sent, without the query
  std::string query;   // "watch=true&limit=5", as sent, without the question mark
  boost::beast::http::fields headers = {};
  std::string body = {};
  Peer peer;

  /// Empty where the header is absent.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    const auto found = headers.find({name.data(), name.size()});
    if (found == headers.end()) return {};
    return {found->value().data(), found->value().size()};
  }
};

/// The body of a streamed answer: each write is one chunk.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Returns when the socket has taken all of it (this is the back-pressure), true; false when the
  /// client is gone or took nothing for the write timeout: nothing more can be written then.
  virtual boost::asio::awaitable<bool> write(std::string_view chunk) = 0;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  /// If set, `body` is unused: the headers are sent, then this runs and writes chunks. It is
  /// cancelled where it waits as soon as the client closes the connection or the server stops. The
  /// connection is closed at its end.
  std::function<boost::asio::awaitable<void>(BodyStream&)> stream = {};
};

/// Answers one request. The request lives until the response, stream included, is sent. An
/// exception is answered with 500.
using Handler = std::function<boost::asio::awaitable<Response>(const Request&)>;

}  // namespace fairlead::http
