// run_load(): control connection -> threads prepare -> all start together -> ... -> all have ended
// -> the server says what it saw -> one result.
#include "bench/load/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "bench/load/control.hpp"
#include "bench/load/local_ports.hpp"
#include "bench/load/threads.hpp"

namespace fairlead::bench {

Error Share::error(int error_number, std::string_view doing) const {
  return socket_error(error_number,
                      fmt::format("{} {}", doing, to_string(options->address, options->port)))
      .value();
}

void rest() { std::this_thread::sleep_for(kRest); }

Result<Fd> connect_now(const Share& share, int type) {
  Fd socket = open_socket(share.to, type);
  if (!socket) return tl::unexpected(share.error(errno, "connect to"));
  limit_sending(socket.get(), kPatience);
  if (type == SOCK_STREAM) send_at_once(socket.get());
  if (::connect(socket.get(), share.to.get(), share.to.size) != 0)
    return tl::unexpected(share.error(errno == EINPROGRESS ? ETIMEDOUT : errno, "connect to"));
  return socket;
}

namespace {

constexpr std::uint32_t kMaxDatagram = 65507;  // of IPv4
constexpr std::uint32_t kMaxThreads = 1024, kMaxConnections = 65536;
constexpr double kMaxSeconds = 3600;

Result<> check(const LoadOptions& options) {
  const bool is_udp =
      options.traffic == Traffic::kDatagrams || options.traffic == Traffic::kUdpRequests;
  const std::uint32_t most_bytes = is_udp ? kMaxDatagram : kMaxBytes;
  if (options.port.host == 0) return invalid("port: 0 is none");
  if (!(options.seconds > 0 && options.seconds <= kMaxSeconds))
    return invalid(
        fmt::format("seconds: {} is not between 0 and {}", options.seconds, kMaxSeconds));
  if (options.threads < 1 || options.threads > kMaxThreads)
    return invalid(fmt::format("threads: {} is not from 1 to {}", options.threads, kMaxThreads));
  if (options.connections < 1 || options.connections > kMaxConnections)
    return invalid(
        fmt::format("connections: {} is not from 1 to {}", options.connections, kMaxConnections));
  if (options.bytes < 1 || options.bytes > most_bytes)
    return invalid(fmt::format("bytes: {} is not from 1 to {}", options.bytes, most_bytes));
  if (options.rate && !(*options.rate > 0 && std::isfinite(*options.rate)))
    return invalid(fmt::format("rate: {} is not more than 0", *options.rate));
  if (options.rate && options.traffic == Traffic::kStream)
    return invalid("rate: a stream has none, it goes as fast as it can");
  return {};
}

std::unique_ptr<Client> make_client(const Share& share) {
  switch (share.options->traffic) {
    case Traffic::kStream:
      return make_stream_client(share);
    case Traffic::kDatagrams:
      return make_datagram_client(share);
    case Traffic::kConnections:
    case Traffic::kResetConnections:
    case Traffic::kConnects:
    case Traffic::kRequests:
    case Traffic::kUdpRequests:
      break;
  }
  const bool is_simple = share.options->connections == 1 && !share.options->rate;
  return is_simple ? make_blocking_client(share) : make_exchange_client(share);
}

/// How often threads that block are looked after.
constexpr std::chrono::milliseconds kGlance{250};

/// A thread, and what came of it.
struct Worker {
  Share share;
  std::unique_ptr<Client> client;
  Result<> outcome;
  Tally tally;
  Clock::time_point start, end;
  double cpu_seconds = 0;
  std::thread thread;
};

/// All threads of a load, from their start until they are joined.
class Workers {
 public:
  explicit Workers(const LoadOptions& options)
      : workers_(options.threads), prepared_(options.threads), may_start_(1), ended_(0) {
    for (std::uint32_t i = 0; i < options.threads; ++i) {
      Worker& worker = workers_[i];
      worker.share = {.options = &options,
                      .to = SocketAddress(options.address, options.port),
                      .index = i,
                      .stop = &stop_};
      worker.client = make_client(worker.share);
    }
    for (Worker& worker : workers_)
      worker.thread = std::thread([this, &worker] {
        work(worker);
        ended_.release();
      });
    prepared_.wait();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    stop_ = true;
    if (!is_joined_) join();
  }

  void start() { may_start_.count_down(); }

  Result<> join() {
    if (!may_start_.try_wait()) start();
    for (std::size_t left = workers_.size(); left > 0;)
      if (ended_.try_acquire_for(kGlance))
        --left;
      else
        look_after_all();
    is_joined_ = true;
    Result<> first;
    for (Worker& worker : workers_) {
      if (worker.thread.joinable()) worker.thread.join();
      if (first && !worker.outcome) first = worker.outcome;
    }
    return first;
  }

  /// Whether one could not prepare; join() says why.
  [[nodiscard]] bool have_failed() const { return stop_; }
  [[nodiscard]] const std::vector<Worker>& get() const { return workers_; }

 private:
  void work(Worker& worker) {
    const LoadOptions& options = *worker.share.options;
    worker.outcome = pin_thread(::pthread_self(), options.cpus, worker.share.index).and_then([&] {
      return worker.client->prepare();
    });
    if (!worker.outcome) stop_ = true;
    prepared_.count_down();
    may_start_.wait();
    if (stop_) return;
    worker.start = Clock::now();
    const double cpu_before = thread_cpu_seconds();
    worker.outcome = worker.client->run(worker.tally);
    worker.cpu_seconds = thread_cpu_seconds() - cpu_before;
    worker.end = Clock::now();
    if (!worker.outcome) stop_ = true;
  }

  void look_after_all() {
    const auto now = Clock::now();
    for (Worker& worker : workers_) worker.client->look_after(now);
  }

  std::atomic<bool> stop_{false};
  std::vector<Worker> workers_;
  bool is_joined_ = false;
  std::latch prepared_, may_start_;
  std::counting_semaphore<> ended_;
};

LoadResult sum_of(const std::vector<Worker>& workers) {
  LoadResult sum;
  auto start = Clock::time_point::max(), end = Clock::time_point::min();
  for (const Worker& worker : workers) {
    sum.count += worker.tally.count;
    sum.failures += worker.tally.failures;
    sum.client_cpu_seconds += worker.cpu_seconds;
    sum.latency.add(worker.tally.latency);
    start = std::min(start, worker.start);
    end = std::max(end, worker.end);
  }
  sum.seconds = std::chrono::duration<double>(end - start).count();
  return sum;
}

/// A load that never succeeds measures nothing.
Result<> expect_some_success(const LoadResult& result, const std::vector<Worker>& workers) {
  if (result.count > 0 || result.failures == 0) return {};
  const auto failed = std::find_if(workers.begin(), workers.end(),
                                   [](const Worker& one) { return one.tally.last_failure != 0; });
  return tl::unexpected(
      failed->share.error(failed->tally.last_failure,
                          fmt::format("none of {} succeeded: connect to", result.failures)));
}

/// What only the server knows.
Result<> ask_server(Control& control, const Counts& before, const LoadOptions& options,
                    LoadResult& result) {
  const bool is_counted_there =
      options.traffic == Traffic::kDatagrams || options.traffic == Traffic::kStream;
  const auto after = options.traffic == Traffic::kDatagrams
                         ? control.ask_until_arrived(before, result.count)
                         : control.ask();
  if (!after) {
    // Of the others, nothing is missing but its CPU time.
    if (is_counted_there) return prefix("what arrived is not known", after.error());
    return {};
  }
  result.server_cpu_seconds = after->cpu_seconds - before.cpu_seconds;
  if (options.traffic == Traffic::kStream) {
    result.bytes = after->received_bytes - before.received_bytes;
  } else if (options.traffic == Traffic::kDatagrams) {
    const std::uint64_t arrived = std::min(after->datagrams - before.datagrams, result.count);
    result.lost = result.count - arrived;
    result.bytes = arrived * options.bytes;
  }
  return {};
}

}  // namespace

Result<LoadResult> run_load(const LoadOptions& options) {
  TRY_VOID(check(options));
  const ServerAddress asked =
      options.control.value_or(ServerAddress{options.address, options.port});
  TRY(Control control, Control::open(asked.address, asked.port));
  Workers workers(options);
  if (workers.have_failed()) return tl::unexpected(workers.join().error());
  TRY(const Counts before, control.ask());
  workers.start();
  TRY_VOID(workers.join());
  LoadResult result = sum_of(workers.get());
  TRY_VOID(expect_some_success(result, workers.get()));
  if (options.traffic == Traffic::kConnections) TRY_VOID(check_local_ports());
  if (options.traffic != Traffic::kConnects) result.bytes = result.count * options.bytes;
  TRY_VOID(ask_server(control, before, options, result));
  return result;
}

}  // namespace fairlead::bench
