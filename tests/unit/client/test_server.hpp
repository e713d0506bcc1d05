// An HTTP(S) server on loopback that answers what the test says, byte for byte if need be.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "certificates.hpp"

namespace fairlead::client::test {

using Task = boost::asio::awaitable<void>;

/// One request, and the means to answer it. Writing to a client that has gone does nothing.
struct Exchange {
  std::string method, path, authorization, content_type, body;
  std::map<std::string, std::string> query;
  std::function<boost::asio::awaitable<bool>(std::string)> raw;  // false: the client has gone
  bool close = false;  // set by the handler: close the connection after it

  [[nodiscard]] bool is_watch() const { return query.contains("watch"); }
  [[nodiscard]] std::string parameter(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? "" : found->second;
  }
  /// A whole answer with Content-Length. `headers`: lines that end in \r\n.
  Task reply(unsigned status, std::string text, std::string headers = "");
  /// The header of a chunked answer, then pieces of it, then its end.
  Task begin();
  boost::asio::awaitable<bool> send(std::string piece);
  Task end();
};

class TestServer {
 public:
  using Handler = std::function<Task(Exchange&)>;
  /// `identity`: for TLS. `client_authority`: PEM; clients must show a certificate of it.
  TestServer(boost::asio::io_context& io, Handler handler, std::optional<KeyPair> identity = {},
             const std::string& client_authority = "");
  ~TestServer();
  TestServer(TestServer&&) = delete;

  [[nodiscard]] std::string url() const;  // https://127.0.0.1:PORT, or http
  [[nodiscard]] unsigned connections() const;
  /// Closes what is open and accepts nothing any more; `resume` listens again on the same port.
  void vanish();
  void resume();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fairlead::client::test
