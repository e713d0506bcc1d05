// What pods' attachments need between the requests: links of pods that left are removed, and what
// others took away is put right.
//
//   a removal -> finish_removals()     the kernel's notifications, each minute -> repair()
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>

#include "dataplane/podnet/attachment_monitor.hpp"
#include "dataplane/podnet/attachments.hpp"
#include "log/log.hpp"

namespace fairlead {

class AttachmentKeeper {
 public:
  /// `changed`: attachments may have been freed. `attachments` outlives this. `monitor`: of the
  /// node's network namespace.
  AttachmentKeeper(boost::asio::io_context& io, podnet::Attachments& attachments,
                   podnet::AttachmentMonitor monitor, std::chrono::milliseconds period,
                   log::Logger log, std::function<void()> changed);
  ~AttachmentKeeper();  // waits for what the worker is doing
  AttachmentKeeper(AttachmentKeeper&&) = delete;

  /// Somebody has left.
  void remove_soon();

  /// End with stop().
  boost::asio::awaitable<void> watch_kernel();
  boost::asio::awaitable<void> run();
  void stop();

 private:
  // False: it failed, and is to be tried again.
  boost::asio::awaitable<bool> remove();
  boost::asio::awaitable<bool> repair();
  void warn(const Error& error);

  podnet::Attachments& attachments_;
  podnet::AttachmentMonitor monitor_;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer wake_;
  std::chrono::milliseconds period_;
  log::Logger log_;
  std::function<void()> changed_;
  std::string last_error_;
  bool removes_ = false, repairs_ = true, stopped_ = false;
  boost::asio::thread_pool worker_{1};
};

}  // namespace fairlead
