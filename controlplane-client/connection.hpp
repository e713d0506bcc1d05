// One HTTP/1.1 connection to the API server, over TLS or not: a request goes out, an answer's body
// comes in piece by piece.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane-client/server_address.hpp"
#include "controlplane-client/timing.hpp"
#include "model/result.hpp"

namespace fairlead::client {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// What to verify and show in the TLS handshake. `context` is read only while the handshake lasts.
struct TlsOptions {
  std::shared_ptr<boost::asio::ssl::context> context;  // null: no TLS
  std::string server_name;  // to verify, and to send if it is not an address
  bool verify = true;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // path and query
  std::string accept = "application/json";
  std::string content_type;  // of the body
  std::string body;
  std::string authorization;  // "" sends none
  std::string user_agent;
};

struct HttpHead {
  unsigned status = 0;
  std::string content_type;
  std::string content_encoding;
  std::optional<std::chrono::seconds> retry_after;  // given as seconds; a date is passed over
};

class Connection {
 public:
  virtual ~Connection() = default;

  /// Looks the name up, connects, shakes hands. The error names the step and the server.
  static Awaitable<Result<std::unique_ptr<Connection>>> open(const ServerAddress& server,
                                                             const TlsOptions& tls,
                                                             const Timing& timing);

  /// Sends a request, receives the answer's header. Only after the previous answer's body has
  /// ended.
  virtual Awaitable<Result<HttpHead>> exchange(const HttpRequest& request) = 0;
  /// The next piece of the body, valid until the next call; empty at its end. An answer that breaks
  /// off is an error: the end is what the server declared, by length, last chunk or by closing
  /// where it declared neither. `limit`: how long the server may keep silent; the error's code is
  /// then std::errc::timed_out.
  virtual Awaitable<Result<std::string_view>> read(Timing::Duration limit) = 0;
  /// The body has ended and the server keeps the connection open.
  [[nodiscard]] virtual bool reusable() const = 0;
};

}  // namespace fairlead::client
