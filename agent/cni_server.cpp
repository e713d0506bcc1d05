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

/// Waits on the io_context for something to read from somebody's socket.
class Readable {
 public:
  Readable(asio::io_context& io, int socket) : events_(io) {
    boost::system::error_code error;
    events_.assign(socket, error);  // without it the wait fails
  }
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;
  ~Readable() { release(); }

  /// False: cancelled.
  asio::awaitable<bool> wait() {
    const auto [error] = co_await events_.async_wait(Descriptor::wait_read, kAwait);
    co_return !error;
  }
  void cancel() {
    boost::system::error_code error;
    events_.cancel(error);
  }
  /// Before the socket is closed, and its number is another's.
  void release() {
    if (events_.is_open()) events_.release();
  }

 private:
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
  Fd listener;
  std::unique_ptr<Readable> arrivals;  // of connections
  std::string path;
  /// Connections that wait for their message; stop() closes them.
  std::list<std::shared_ptr<Readable>> reading;
  std::size_t connections = 0;
  bool stopping = false;

  void report(const Error& error) const {
    if (options.on_error) options.on_error(error);
  }

  void stop() {
    if (std::exchange(stopping, true)) return;
    a_place.cancel();
    if (arrivals) {
      ::unlink(path.c_str());
      arrivals->cancel();
    }
    for (const auto& connection : reading) connection->cancel();
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
      auto accepted = accept_connection(self->listener.get());
      if (accepted && !*accepted) {
        if (!co_await self->arrivals->wait()) break;
      } else if (!accepted) {
        // Out of file descriptors: the connection stays in the queue, so accepting again at once
        // would spin.
        self->report(accepted.error());
        asio::steady_timer pause(self->io, std::chrono::milliseconds(100));
        co_await pause.async_wait(kAwait);
      } else if (is_owner((*accepted)->get())) {
        self->spawn(std::move(**accepted));
      }
    }
    self->arrivals.reset();
    self->listener = Fd();
  }

  void spawn(Fd connection) {
    ++connections;
    asio::co_spawn(io, serve(shared_from_this(), std::move(connection)),
                   [self = shared_from_this()](const std::exception_ptr&) {
                     --self->connections;
                     self->a_place.cancel();
                   });
  }

  /// Until there is something to read, or for as long as a connection may say nothing.
  asio::awaitable<void> wait_for_message(const Fd& connection) {
    const auto readable = std::make_shared<Readable>(io, connection.get());
    const auto place = reading.insert(reading.end(), readable);
    asio::steady_timer timer(io, options.read_timeout);
    timer.async_wait([readable](const boost::system::error_code& cancelled) {
      if (!cancelled) readable->cancel();
    });
    co_await readable->wait();
    reading.erase(place);
    readable->release();
  }

  /// Nothing: the other end said nothing in time, or nothing that could be answered.
  asio::awaitable<std::optional<SocketMessage>> read(const Fd& connection) {
    auto message = receive_message(connection.get(), cni::kMessageBytes);
    if (message && !*message && !stopping) {
      co_await wait_for_message(connection);
      message = receive_message(connection.get(), cni::kMessageBytes);
    }
    if (!message) {
      refuse_message(connection, message.error());
      co_return std::nullopt;
    }
    const bool is_none = !*message || (*message)->text.empty();
    co_return is_none ? std::nullopt : *std::move(message);
  }

  void refuse_message(const Fd& connection, const Error& error) const {
    report(error);
    answer(connection, refuse_cni({.code = cni::Code::kIo,
                                   .message = "the message is not valid",
                                   .details = error.doing},
                                  cni::kNewest));
  }

  static bool answer(const Fd& connection, const cni::Answer& answer) {
    return send_message(connection.get(), cni::to_json(answer)).has_value();
  }

  static asio::awaitable<void> serve(std::shared_ptr<State> self, Fd connection) {
    const auto message = co_await self->read(connection);
    if (!message) co_return;
    const auto question = cni::parse_question(message->text);
    if (!question) {
      self->refuse_message(connection, question.error());
      co_return;
    }
    const auto request = cni::parse_request(question->environment, question->config);
    if (!request) {
      answer(connection, refuse_cni(request.error(), request.error().version));
      co_return;
    }
    co_await self->carry_out(connection, *request, message->descriptor);
  }

  /// The plugin was ended before it heard of its ADD: then the runtime does not know either, and
  /// may never ask for a DEL.
  asio::awaitable<void> carry_out(const Fd& connection, const cni::Request& request,
                                  const Fd& netns) {
    const bool is_add = request.command == cni::Command::kAdd;
    auto outcome = co_await run(request, netns, is_add ? connection.get() : -1);
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
  TRY(state_->listener, listen_for_messages(path));
  state_->arrivals = std::make_unique<Readable>(state_->io, state_->listener.get());
  state_->path = path;
  return {};
}

void CniServer::start() {
  asio::co_spawn(state_->io, State::accept_loop(state_), [](const std::exception_ptr&) {});
}

void CniServer::stop() { state_->stop(); }

std::size_t CniServer::connections() const { return state_->connections; }

}  // namespace fairlead
