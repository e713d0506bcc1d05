// accept loop -> one coroutine a connection: who asks, its message, the request on a strand of the
// pool, hooks, answer.
#include "agent/cni_server.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>

#include "agent/cni_requests.hpp"
#include "agent/cni_socket.hpp"

namespace fairlead {

namespace asio = boost::asio;

namespace {

using Descriptor = asio::posix::stream_descriptor;
using Strand = asio::strand<asio::thread_pool::executor_type>;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// A socket with its events on the io_context.
class Watched {
 public:
  Watched(asio::io_context& io, Fd fd) : fd_(std::move(fd)), events_(io) {
    boost::system::error_code error;
    events_.assign(fd_.get(), error);  // without it the first wait fails
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() {
    if (events_.is_open()) events_.release();  // the number is fd_'s to close
  }

  [[nodiscard]] int number() const { return fd_.get(); }
  [[nodiscard]] Descriptor& events() { return events_; }

 private:
  Fd fd_;
  Descriptor events_;
};

/// What a request is worth when a part of ours threw.
CniOutcome failed(const cni::Request& request, const char* what) {
  return {.answer = refuse_cni({.code = cni::Code::kTryAgain,
                                .message = "the agent failed, try again later",
                                .details = what},
                               request.version)};
}

}  // namespace

struct CniServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, CniServerOptions given)
      : io(context), options(std::move(given)), pool(options.threads), a_place(context) {
    for (auto& strand : strands) strand.emplace(asio::make_strand(pool));
    a_place.expires_at(asio::steady_timer::time_point::max());
  }

  asio::io_context& io;
  CniServerOptions options;
  /// Threads inherit the network namespace of whoever makes them, and keep it.
  asio::thread_pool pool;
  std::array<std::optional<Strand>, 64> strands;
  asio::steady_timer a_place;  // cancelled when a connection ends
  std::unique_ptr<Watched> listener;
  std::string path;
  /// Connections that wait for their message; stop() closes them.
  std::list<std::shared_ptr<Watched>> reading;
  std::size_t connections = 0;
  bool stopping = false;

  void report(const Error& error) const {
    if (options.on_error) options.on_error(error);
  }

  void stop() {
    if (std::exchange(stopping, true)) return;
    a_place.cancel();
    if (listener) {
      ::unlink(path.c_str());
      listener->events().cancel();
    }
    for (const auto& connection : reading) connection->events().cancel();
  }

  /// A DEL that overtakes the ADD of its container would leave the pod's addresses behind.
  Strand& strand_of(const std::string& container) {
    return *strands.at(std::hash<std::string>()(container) % strands.size());
  }

  static asio::awaitable<void> accept_loop(std::shared_ptr<State> self) {
    while (!self->stopping) {
      if (self->connections >= self->options.connections) {
        co_await self->a_place.async_wait(kAwait);
        continue;
      }
      auto accepted = accept_connection(self->listener->number());
      if (accepted && !*accepted) {
        const auto [error] =
            co_await self->listener->events().async_wait(Descriptor::wait_read, kAwait);
        if (error) break;
      } else if (!accepted) {
        // Out of file descriptors: the connection stays in the queue, so accepting again at once
        // would spin.
        self->report(accepted.error());
        asio::steady_timer pause(self->io, std::chrono::milliseconds(100));
        co_await pause.async_wait(kAwait);
      } else if (is_owner((*accepted)->get())) {
        self->spawn(std::make_shared<Watched>(self->io, std::move(**accepted)));
      }
    }
    self->listener.reset();
  }

  void spawn(std::shared_ptr<Watched> connection) {
    ++connections;
    asio::co_spawn(io, serve(shared_from_this(), std::move(connection)),
                   [self = shared_from_this()](const std::exception_ptr&) {
                     --self->connections;
                     self->a_place.cancel();
                   });
  }

  /// Nothing: the other end said nothing in time, or nothing that could be answered.
  asio::awaitable<std::optional<SocketMessage>> read(std::shared_ptr<Watched> connection) {
    const auto place = reading.insert(reading.end(), connection);
    asio::steady_timer timer(io, options.read_timeout);
    timer.async_wait([connection](const boost::system::error_code& cancelled) {
      if (!cancelled) connection->events().cancel();
    });
    const auto [error] = co_await connection->events().async_wait(Descriptor::wait_read, kAwait);
    reading.erase(place);
    if (error) co_return std::nullopt;
    auto message = receive_message(connection->number(), cni::kMessageBytes);
    if (!message) {
      report(message.error());
      answer(*connection, refuse_cni({.code = cni::Code::kIo,
                                      .message = "the message is not valid",
                                      .details = message.error().doing},
                                     cni::kNewest));
      co_return std::nullopt;
    }
    if (message->text.empty()) co_return std::nullopt;
    co_return *std::move(message);
  }

  static bool answer(const Watched& connection, const cni::Answer& answer) {
    return send_message(connection.number(), cni::to_json(answer)).has_value();
  }

  static asio::awaitable<void> serve(std::shared_ptr<State> self,
                                     std::shared_ptr<Watched> connection) {
    const auto message = co_await self->read(connection);
    if (!message) co_return;
    const auto question = cni::parse_question(message->text);
    if (!question) {
      self->report(question.error());
      answer(*connection, refuse_cni({.code = cni::Code::kIo,
                                      .message = "the message is not valid",
                                      .details = question.error().doing},
                                     cni::kNewest));
      co_return;
    }
    const auto request = cni::parse_request(question->environment, question->config);
    if (!request) {
      answer(*connection, refuse_cni(request.error(), request.error().version));
      co_return;
    }
    co_await self->carry_out(*connection, *request, message->descriptor);
  }

  /// The plugin was ended before it heard of its ADD: then the runtime does not know either, and
  /// may never ask for a DEL.
  asio::awaitable<void> carry_out(const Watched& connection, const cni::Request& request,
                                  const Fd& netns) {
    const bool is_add = request.command == cni::Command::kAdd;
    auto outcome = co_await run(request, netns, is_add ? connection.number() : -1);
    if (answer(connection, outcome.answer) || outcome.added.empty()) co_return;
    cni::Request undo = request;
    undo.command = cni::Command::kDel;
    co_await run(undo, netns, -1);
  }

  /// On the pool. `asker`: whose going spares the work; -1: it is done in any case.
  asio::awaitable<CniOutcome> run(const cni::Request& request, const Fd& netns, int asker) {
    const auto work = [&]() -> asio::awaitable<CniOutcome> {
      if (asker >= 0 && is_gone(asker)) co_return CniOutcome{};
      try {
        co_return serve_cni(options.attachments, request, netns);
      } catch (const std::exception& error) {
        co_return failed(request, error.what());
      }
    };
    auto outcome = co_await asio::co_spawn(strand_of(request.attachment.key.container), work,
                                           asio::use_awaitable);
    for (const auto& attachment : outcome.added) {
      if (options.on_added) options.on_added(attachment);
    }
    for (const auto& attachment : outcome.removed) {
      if (options.on_removed) options.on_removed(attachment);
    }
    co_return outcome;
  }
};

CniServer::CniServer(asio::io_context& io, CniServerOptions options)
    : state_(std::make_shared<State>(io, std::move(options))) {}

CniServer::~CniServer() { state_->stop(); }

Result<> CniServer::listen(const std::string& path) {
  TRY(Fd listener, listen_for_messages(path));
  state_->listener = std::make_unique<Watched>(state_->io, std::move(listener));
  state_->path = path;
  return {};
}

void CniServer::start() {
  asio::co_spawn(state_->io, State::accept_loop(state_), [](const std::exception_ptr&) {});
}

void CniServer::stop() { state_->stop(); }

std::size_t CniServer::connections() const { return state_->connections; }

}  // namespace fairlead
