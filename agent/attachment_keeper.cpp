// One loop: it sleeps until somebody has left, the kernel has told something, or a period is over.
#include "agent/attachment_keeper.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fairlead {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// A pod's link is several notifications, and a runtime connects many pods at a time.
constexpr auto kSettling = 200ms;
constexpr auto kRetry = 1s;

/// Calls `body` on the worker and comes back with its result.
template <class Body>
auto on(asio::thread_pool& worker, Body body) {
  using Answer = decltype(body());
  auto call = [](Body run) -> asio::awaitable<Answer> { co_return run(); };
  return asio::co_spawn(worker, call(std::move(body)), asio::use_awaitable);
}

}  // namespace

AttachmentKeeper::AttachmentKeeper(asio::io_context& io, podnet::Attachments& attachments,
                                   podnet::AttachmentMonitor monitor,
                                   std::chrono::milliseconds period, log::Logger log,
                                   std::function<void()> changed)
    : attachments_(attachments),
      monitor_(std::move(monitor)),
      events_(io),
      wake_(io),
      period_(period),
      log_(std::move(log)),
      changed_(std::move(changed)) {}

AttachmentKeeper::~AttachmentKeeper() { worker_.join(); }

void AttachmentKeeper::remove_soon() {
  removes_ = true;
  wake_.cancel();
}

void AttachmentKeeper::stop() {
  stopped_ = true;
  wake_.cancel();
  if (events_.is_open()) events_.cancel();
}

void AttachmentKeeper::warn(const Error& error) {
  // Once for each new text: a retry that fails alike is no news.
  if (error.doing != last_error_)
    log_.warn("pods' links cannot be kept, will try again", {{"error", error}});
  last_error_ = error.doing;
}

asio::awaitable<void> AttachmentKeeper::watch_kernel() {
  events_.assign(::dup(monitor_.fd()));
  while (!stopped_) {
    const auto [error] =
        co_await events_.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
    if (error || stopped_) break;
    const auto changed = monitor_.drain();
    if (!changed) warn(changed.error());
    if (!changed || *changed) {
      repairs_ = true;
      wake_.cancel();
    }
    asio::steady_timer settling(events_.get_executor(), kSettling);
    co_await settling.async_wait(kAwait);
  }
  boost::system::error_code ignored;
  events_.close(ignored);
}

asio::awaitable<bool> AttachmentKeeper::remove() {
  removes_ = false;
  const Result<> done = co_await on(worker_, [this] { return attachments_.finish_removals(); });
  if (!done) warn(done.error());
  removes_ = removes_ || !done;
  co_return done.has_value();
}

asio::awaitable<bool> AttachmentKeeper::repair() {
  repairs_ = false;
  const auto done = co_await on(worker_, [this] { return attachments_.repair(); });
  if (!done) {
    warn(done.error());
    repairs_ = true;
    co_return false;
  }
  last_error_.clear();
  for (const std::string& line : *done) log_.warn("repaired", {{"pod", line}});
  if (!done->empty()) changed_();
  co_return true;
}

asio::awaitable<void> AttachmentKeeper::run() {
  while (!stopped_) {
    bool succeeded = true;
    if (removes_) succeeded = co_await remove();
    if (!stopped_ && succeeded && repairs_) succeeded = co_await repair();
    if (stopped_) break;
    if (succeeded && (removes_ || repairs_)) continue;  // asked for meanwhile
    wake_.expires_after(succeeded ? period_ : std::chrono::milliseconds(kRetry));
    const auto [woken] = co_await wake_.async_wait(kAwait);
    if (!woken) repairs_ = true;  // a period is over
  }
}

}  // namespace fairlead
