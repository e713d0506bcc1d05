// An HTTP/1.1 server on one io_context and one thread: TCP, TLS (with client certificates) and UNIX
// sockets in front of one handler. Used by the control plane, and by the agent for health, metrics
// and its admin socket.
//
//   http::Server server(io, {.handler = handle});
//   TRY(const std::uint16_t port, server.listen_tcp({.address = "127.0.0.1", .port = 10256}));
//   TRY_VOID(server.listen_unix("/run/fairlead/agent.sock"));
//   …
//   server.stop();
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/message.hpp"
#include "model/result.hpp"

namespace fairlead::http {

struct Limits {
  std::size_t header_bytes = 64 * 1024;
  std::size_t body_bytes = 3 * 1024 * 1024;  // kube-apiserver's
  std::size_t connections = 4096;            // more are closed as soon as they are accepted
  std::chrono::seconds handshake_timeout{10};
  std::chrono::seconds read_timeout{
      30};  // a request, from its first byte to the end of its headers, then of its body
  std::chrono::seconds idle_timeout{180};  // between requests
  std::chrono::seconds write_timeout{30};  // without a byte of progress
};

struct ServerOptions {
  Handler handler;
  Limits limits = {};
  /// Told what went wrong with no client to tell it to: accept failed, a handler threw. May be
  /// empty.
  std::function<void(const Error&)> on_error = {};
};

struct TcpEndpoint {
  std::string address;     // "127.0.0.1", "::", without brackets
  std::uint16_t port = 0;  // 0: any free port
};

/// PEM texts. A client certificate is asked for but not required; one that `client_ca` did not sign
/// ends the handshake.
struct TlsIdentity {
  std::string certificate_chain;
  std::string private_key;
  std::string client_ca;  // empty: client certificates are not asked for
};

class Server {
 public:
  Server(boost::asio::io_context& io, ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// The io_context must not run handlers of this server afterwards: stop(), let run() return, then
  /// destroy.
  ~Server();

  /// Each returns once the socket listens (TCP: with the port that it got). Errors: address in use,
  /// not ours, no permission.
  Result<std::uint16_t> listen_tcp(const TcpEndpoint& endpoint);
  Result<std::uint16_t> listen_tls(const TcpEndpoint& endpoint, const TlsIdentity& identity);
  /// Mode 0600. Replaces the socket that a dead process left behind, never that of a live one.
  Result<> listen_unix(const std::string& path);

  /// Closes the listeners, idle connections and streams; requests in the handler's hands are still
  /// answered. run() of the io_context returns when the last of them is done.
  void stop();

  [[nodiscard]] std::size_t connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fairlead::http
