// Answers fairlead-cni on the agent's io_context; what waits for the kernel runs on threads beside
// it, requests of one container in their order.
//
//   CniServer server(io, {.attachments = *attachments, …});
//   TRY_VOID(server.listen(runtime_directory + "/cni.sock"));
//   TRY_VOID(carry_out_deletions(*attachments, state_directory, warn));
//   server.start();
//   …
//   server.stop();
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "dataplane/podnet/attachments.hpp"
#include "model/result.hpp"

namespace fairlead {

struct CniServerOptions {
  podnet::Attachments& attachments;  // outlives the server
  std::size_t threads = 4;        // each in the network namespace of the one that made the server
  std::size_t connections = 256;  // more wait in the socket's queue
  std::chrono::seconds read_timeout{10};  // from the connection to its one message
  /// Called on the io_context before the runtime has its answer. May be empty.
  std::function<void(const podnet::Attachment&)> on_added = {}, on_removed = {};
  /// Told what went wrong with nobody else to tell it to. May be empty.
  std::function<void(const Error&)> on_error = {};
};

class CniServer {
 public:
  CniServer(boost::asio::io_context& io, CniServerOptions options);
  CniServer(const CniServer&) = delete;
  CniServer& operator=(const CniServer&) = delete;
  /// The io_context must not run handlers of this server afterwards: stop(), let run() return, then
  /// destroy.
  ~CniServer();

  /// From here on plugins find an agent, and wait. Replaces a dead process' socket.
  Result<> listen(const std::string& path);
  /// From here on they are answered.
  void start();
  /// Closes and removes the socket. Requests that were read are still answered; run() of the
  /// io_context returns when the last of them is done.
  void stop();

  [[nodiscard]] std::size_t connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fairlead
