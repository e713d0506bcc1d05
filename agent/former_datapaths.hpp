// The datapaths that may have been in use on this node before: told to keep the connections that
// they have and to take no new ones, until nothing of theirs is left.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "dataplane/datapath.hpp"
#include "log/log.hpp"

namespace fairlead {

class FormerDatapaths {
 public:
  /// `period`: how long after a drain the next one asks whether connections are left.
  /// `plan`: asked by the thread of `io` for what is served now; see Datapath::drain().
  FormerDatapaths(boost::asio::io_context& io, std::vector<std::unique_ptr<Datapath>> datapaths,
                  std::chrono::milliseconds period, std::function<Plan()> plan, log::Logger log);
  FormerDatapaths(FormerDatapaths&&) = delete;
  ~FormerDatapaths();  // waits for a drain that the worker is doing

  /// To be begun when the datapath in use holds a whole plan. Ends when none is left, or after
  /// stop().
  boost::asio::awaitable<void> drain();
  void stop();

 private:
  boost::asio::awaitable<bool> drain_one(Datapath& datapath);

  std::vector<std::unique_ptr<Datapath>> datapaths_;
  std::chrono::milliseconds period_;
  std::function<Plan()> plan_;
  log::Logger log_;
  boost::asio::steady_timer timer_;
  bool stopped_ = false;
  boost::asio::thread_pool worker_{1};
};

}  // namespace fairlead
