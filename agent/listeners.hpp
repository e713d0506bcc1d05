// The agent's TCP listeners: a port that is taken is tried again, because a kube-proxy or an agent
// that is about to leave may hold it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>

#include "agent/config.hpp"
#include "http/server.hpp"
#include "log/log.hpp"

namespace fairlead {

class Listener {
 public:
  Listener(boost::asio::io_context& io, std::string name, std::optional<ListenAddress> address,
           http::Handler handler, log::Logger log);

  /// The first attempt. An error only if `hard_fail`; else keep_trying() goes on.
  Result<> listen(bool hard_fail);
  /// Ends once it listens, or with stop().
  boost::asio::awaitable<void> keep_trying();
  void stop();

 private:
  Result<> attempt();

  std::string name_;
  std::optional<ListenAddress> address_;  // nullopt: not served
  log::Logger log_;
  http::Server server_;
  boost::asio::steady_timer timer_;
  bool listening_ = false;
  bool stopped_ = false;
};

}  // namespace fairlead
