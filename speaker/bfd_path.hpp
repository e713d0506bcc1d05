// One peer's BFD session while the speaker runs: its clock and its socket.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "dataplane/bfd/session.hpp"
#include "log/log.hpp"
#include "speaker/bfd_sender.hpp"

namespace fairlead::speaker {

class BfdPath : public std::enable_shared_from_this<BfdPath> {
 public:
  struct Host {
    boost::asio::io_context& io;
    log::Logger log;
    SourcePorts& ports;
    std::function<void()> read_now;  // what the receiver holds
    std::function<void(const bfd::StateChanged&)> changed;
    std::function<void()> silent;  // stopped, and has said so long enough
  };
  /// `transport.bfd` is there, and pace_of() it passes check().
  BfdPath(Host host, bgp::control::Transport transport, bfd::Discriminator own, std::uint64_t seed);

  void start();
  void stop();
  void set_pace(const bfd::Pace& pace);
  void received(bfd::ByteView payload, std::uint8_t ttl);

  [[nodiscard]] const bfd::Session& session() const { return session_; }
  [[nodiscard]] const bgp::control::Transport& transport() const { return transport_; }

 private:
  template <class Event>
  void happen(Event event);
  void act(const bfd::Send& action);
  void act(const bfd::StateChanged& action);
  void set_timer();
  void timer_fired();

  Host host_;
  bgp::control::Transport transport_;
  bfd::Session session_;
  BfdSender sender_;
  boost::asio::steady_timer timer_;
  bfd::Deadline armed_;         // when the timer fires
  std::string logged_failure_;  // of sending
};

bfd::Pace pace_of(const Bfd& configured);

}  // namespace fairlead::speaker
