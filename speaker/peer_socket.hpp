// One TCP connection, or attempt at one, to a peer: bytes both ways, never waiting for either.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "dataplane/bgp/control/messages.hpp"
#include "dataplane/bgp/session_actions.hpp"
#include "model/result.hpp"
#include "speaker/message_counter.hpp"

namespace fairlead::speaker {

/// Lives until it is closed, also without its owner: what was to be sent goes out first.
class PeerSocket : public std::enable_shared_from_this<PeerSocket> {
 public:
  /// Told of what happens; of nothing after end().
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void connected(bgp::TransportId transport) = 0;
    virtual void connect_failed(bgp::TransportId transport, const Error& error) = 0;
    virtual void received(bgp::TransportId transport, bgp::ByteView bytes) = 0;
    /// The peer has closed, or the kernel gave up.
    virtual void closed(bgp::TransportId transport) = 0;
    /// The peer reads no more, or does so again. May come out of send().
    virtual void blocked(bgp::TransportId transport, bool blocked) = 0;
    /// All is written. Not out of send().
    virtual void drained(bgp::TransportId transport) = 0;
  };

  PeerSocket(boost::asio::io_context& io, bgp::TransportId id, Owner& owner);

  /// connected() or connect_failed() follow, not before this returns.
  void dial(const bgp::control::Transport& transport, bool internal);
  /// `socket` is connected.
  void adopt(boost::asio::ip::tcp::socket socket);
  void send(bgp::ByteView bytes);
  /// Hands over what has come, if anything has.
  void read_now();
  /// No event follows. What waits is sent, if the peer takes it within seconds.
  void end();

  [[nodiscard]] std::size_t queued() const { return queue_.size() - written_; }
  /// Of our end, while it is connected.
  [[nodiscard]] std::optional<boost::asio::ip::address> local_address() const;
  [[nodiscard]] const MessageCounter& sent() const { return sent_; }
  [[nodiscard]] const MessageCounter& heard() const { return heard_; }

 private:
  using Tcp = boost::asio::ip::tcp;
  Result<Tcp::endpoint> open(const bgp::control::Transport& transport, bool internal);
  boost::asio::awaitable<void> run_dial(std::shared_ptr<PeerSocket> self,
                                        bgp::control::Transport transport, bool internal);
  boost::asio::awaitable<void> run(std::shared_ptr<PeerSocket> self);
  bool read_once();
  void write_queue();
  void wait_until_writable();
  void say_no_more();
  void close();

  bgp::TransportId id_;
  Owner* owner_;  // null: ended
  Tcp::socket socket_;
  boost::asio::steady_timer linger_;
  bgp::Bytes queue_;
  std::size_t written_ = 0;  // of the queue, from its begin
  bool connected_ = false;
  bool waits_to_write_ = false;
  bool broken_ = false;  // writing failed; reading will say so
  MessageCounter sent_, heard_;
};

}  // namespace fairlead::speaker
