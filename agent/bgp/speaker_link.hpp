// The speaker as the agent sees it: started, spoken with, and started again when it is lost.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "agent/bgp/speaker_process.hpp"
#include "dataplane/bgp/control/messages.hpp"
#include "log/log.hpp"

namespace fairlead::bgp {

class SpeakerLink {
 public:
  struct Events {
    /// A speaker that knows nothing yet.
    std::function<void()> started;
    std::function<void(control::FromSpeaker)> message;
    std::function<void()> lost;
  };
  struct Times {
    std::chrono::milliseconds pause_first{500}, pause_limit{60'000};
    std::chrono::milliseconds healthy_after{60'000};  // the next pause is the first again
    std::chrono::milliseconds leave_limit{3'000};     // then it is killed
  };

  SpeakerLink(boost::asio::io_context& io, SpeakerCommand command, std::vector<Fd> listeners,
              Events events, Times times, log::Logger log);
  SpeakerLink(SpeakerLink&&) = delete;
  ~SpeakerLink();  // kills it

  /// Ends after stop(), or with the io_context.
  boost::asio::awaitable<void> run();

  /// Dropped while there is none: who hears `started` says everything anew. Settings that were not
  /// sent yet are replaced.
  void say(const control::ToSpeaker& message);

  /// Says Leave; it is not started again.
  void stop(control::Leave::How how);

  [[nodiscard]] bool is_running() const { return process_.pid != 0; }
  [[nodiscard]] pid_t pid() const { return process_.pid; }
  [[nodiscard]] std::uint64_t starts() const { return starts_; }

 private:
  struct Line {
    std::string text;
    bool is_settings = false;
  };
  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<void> read_lines();
  boost::asio::awaitable<void> write_lines();
  boost::asio::awaitable<std::string> await_end();
  bool take(std::string& buffer);

  boost::asio::io_context& io_;
  SpeakerCommand command_;
  std::vector<Fd> listeners_;
  Events events_;
  Times times_;
  log::Logger log_;

  SpeakerProcess process_;
  boost::asio::local::stream_protocol::socket socket_;
  boost::asio::steady_timer pause_, written_;
  std::deque<Line> lines_;
  std::uint64_t starts_ = 0;
  bool stopped_ = false;
};

}  // namespace fairlead::bgp
