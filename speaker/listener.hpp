// One listening socket that the agent has opened: who connects is handed on with their address.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "log/log.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"
#include "speaker/tcp_options.hpp"

namespace fairlead::speaker {

/// By peers' addresses (RFC 2385); "": none.
using Passwords = std::map<Ip, std::string>;

class Listener {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  /// `from` is the other end. The socket closes unless it is taken.
  using Accepted = std::function<void(Socket socket, const boost::asio::ip::tcp::endpoint& from)>;

  Listener(boost::asio::io_context& io, log::Logger log, Accepted accepted);

  /// Takes over `socket`, which is bound.
  Result<> open(int socket);
  /// From now on who connects is handed on; and who did so while passwords were set. To be called
  /// after each set_passwords().
  void start();
  void stop();
  /// From now on the addresses have these passwords, and no others. Whoever has connected without
  /// one before is closed.
  void set_passwords(const Passwords& passwords);

 private:
  boost::asio::awaitable<void> accept_loop();
  /// Nothing: nobody waits. `accept4` failed for another reason: the error.
  Result<bool> accept_one();
  void apply(const Ip& peer, const std::string& password);

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  log::Logger log_;
  Accepted accepted_;
  ListenerFamily family_;
  Passwords passwords_;   // that the kernel knows
  std::set<Ip> refused_;  // whose password it would not take: nobody gets in from there
  std::vector<std::pair<Socket, boost::asio::ip::tcp::endpoint>> waiting_;
  bool started_ = false;
  bool dropping_ = false;  // who waits connected before a password was set
};

}  // namespace fairlead::speaker
