// What all watches are: reflectors that run as coroutines from start() to stop(), and a gate
// between them and the sink. The coroutines hold the state alive until they have ended, a moment
// after stop().
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "controlplane-client/api_client.hpp"
#include "controlplane-client/cluster_watch.hpp"
#include "controlplane-client/reflector.hpp"
#include "controlplane-client/status.hpp"

namespace fairlead::client {

inline Awaitable<Result<std::string>> known_path(std::string path) { co_return path; }

/// A collection whose path does not depend on the server.
inline Collection collection_at(std::string path) {
  Collection collection;
  collection.path = [path = std::move(path)] { return known_path(path); };
  collection.path_not_found = [] {};
  return collection;
}

/// `Options` has config, timing and user_agent. `Gate` stands before the sink: shut(), and
/// problem(). `Running` is everything that needs a server's address, made of (client, options,
/// gate, statuses) where there is a usable one: kCount, and reflectors(). Held by shared_ptr.
template <class Options, class Gate, class Running>
class WatchState : public std::enable_shared_from_this<WatchState<Options, Gate, Running>> {
 public:
  using Statuses = std::array<ResourceStatus, Running::kCount>;

  WatchState(boost::asio::any_io_executor executor, Options options, Gate gate)
      : executor_(std::move(executor)), options_(std::move(options)), gate_(std::move(gate)) {}

  void start() {
    if (running_ || stopped_) return;
    auto client = ApiClient::create(options_.config, options_.timing, options_.user_agent);
    if (!client) {
      boost::asio::post(executor_, [self = this->shared_from_this(), error = client.error()] {
        self->gate_.problem(Problem{"API server " + self->options_.config.server, "", error.doing},
                            Severity::kError);
      });
      return;
    }
    running_ = std::make_unique<Running>(*std::move(client), options_, gate_, statuses_);
    const std::array<Reflector*, Running::kCount> reflectors = running_->reflectors();
    for (std::size_t i = 0; i < reflectors.size(); ++i) {
      const auto ended = [self = this->shared_from_this()](const std::exception_ptr& escaped) {
        // A reflector ends by being cancelled. Whatever else escapes from it is for the loop's
        // owner to see.
        if (escaped && !self->stopped_) std::rethrow_exception(escaped);
      };
      boost::asio::co_spawn(executor_, run_later(*reflectors[i]),
                            boost::asio::bind_cancellation_slot(cancel_[i].slot(), ended));
    }
  }

  /// The sink hears nothing more.
  void stop() {
    stopped_ = true;
    gate_.shut();
    for (ResourceStatus& status : statuses_) status.state = ResourceStatus::State::kStopped;
    for (auto& signal : cancel_) signal.emit(boost::asio::cancellation_type::terminal);
  }

  [[nodiscard]] const ResourceStatus& status(std::size_t index) const { return statuses_[index]; }
  [[nodiscard]] bool synced() const {
    return std::ranges::all_of(statuses_, [](const auto& status) { return status.synced; });
  }
  [[nodiscard]] const Options& options() const { return options_; }
  /// nullptr: not started, or there is no usable server.
  [[nodiscard]] const Running* running() const { return running_.get(); }

 private:
  // Not inside start(), whose caller does not expect to be called back yet.
  static Awaitable<void> run_later(Reflector& reflector) {
    co_await boost::asio::post(boost::asio::use_awaitable);
    co_await reflector.run();
  }

  boost::asio::any_io_executor executor_;
  Options options_;
  Gate gate_;
  Statuses statuses_{};
  std::array<boost::asio::cancellation_signal, Running::kCount> cancel_;
  std::unique_ptr<Running> running_;
  bool stopped_ = false;
};

}  // namespace fairlead::client
