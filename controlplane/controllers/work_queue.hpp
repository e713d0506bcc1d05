// Names of things to look at, each at most once, now or later: what stands between events and a
// controller's loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <map>
#include <optional>

namespace fairlead::controllers {

template <class Key>
class WorkQueue {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WorkQueue(boost::asio::any_io_executor executor) : wake_(std::move(executor)) {}

  /// A key that waits already keeps the earlier time.
  void add(Key key, Clock::duration delay = {}) {
    const Clock::time_point due = Clock::now() + delay;
    const auto [entry, added] = due_.emplace(std::move(key), due);
    if (!added && due >= entry->second) return;
    entry->second = due;
    wake_.cancel();
  }

  /// The next key that is due; waits for one. For one caller at a time.
  boost::asio::awaitable<Key> take() {
    for (;;) {
      auto earliest = due_.end();
      for (auto entry = due_.begin(); entry != due_.end(); ++entry) {
        if (entry->second <= Clock::now()) co_return due_.extract(entry).key();
        if (earliest == due_.end() || entry->second < earliest->second) earliest = entry;
      }
      wake_.expires_at(earliest == due_.end() ? Clock::time_point::max() : earliest->second);
      co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
  }

  /// The next key that is due already; nullopt: none is.
  std::optional<Key> take_due() {
    const Clock::time_point now = Clock::now();
    for (auto entry = due_.begin(); entry != due_.end(); ++entry) {
      if (entry->second <= now) return std::move(due_.extract(entry).key());
    }
    return std::nullopt;
  }

  [[nodiscard]] bool empty() const { return due_.empty(); }

 private:
  std::map<Key, Clock::time_point> due_;
  boost::asio::steady_timer wake_;
};

}  // namespace fairlead::controllers
