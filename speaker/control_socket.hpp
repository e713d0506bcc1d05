// The speaker's end of the socket to the agent: lines both ways.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "dataplane/bgp/control/codec.hpp"

namespace fairlead::speaker {

class ControlSocket {
 public:
  struct Events {
    std::function<void(Result<bgp::control::ToSpeaker> message)> said;
    std::function<void()> has_room;  // queued() has come down to nothing
    std::function<void()> closed;    // the agent has ended
  };

  ControlSocket(boost::asio::io_context& io, Events events);

  /// Takes over `socket`, a stream.
  Result<> open(int socket);
  void start();
  void stop();
  void say(const bgp::control::FromSpeaker& message);
  [[nodiscard]] std::size_t queued() const { return queue_.size() + writing_.size(); }

 private:
  boost::asio::awaitable<void> read_loop();
  boost::asio::awaitable<void> write_loop();

  boost::asio::local::stream_protocol::socket socket_;
  Events events_;
  std::string queue_, writing_;
  bool is_writing_ = false;
};

}  // namespace fairlead::speaker
