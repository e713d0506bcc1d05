// Three reflectors -> a Feed each, which decodes -> Gate -> ClusterSink.
//
// Each reflector runs as one coroutine, which holds the Impl alive until it has ended, a moment
// after stop().
#include "controlplane-client/cluster_watch.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "controlplane-client/api_client.hpp"
#include "controlplane-client/endpoint_slice_api.hpp"
#include "controlplane-client/feed.hpp"
#include "controlplane-client/reflector.hpp"

namespace fairlead::client {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kServiceSelector =
    "!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless";

// Between us and the sink: shut by stop(), whatever the coroutines still do while they unwind.
class Gate final : public ClusterSink {
 public:
  explicit Gate(ClusterSink& sink) : sink_(&sink) {}
  void shut() { sink_ = nullptr; }

  void service(Service service) override {
    if (sink_ != nullptr) sink_->service(std::move(service));
  }
  void service_gone(const ObjectName& name) override {
    if (sink_ != nullptr) sink_->service_gone(name);
  }
  void slice(EndpointSlice slice) override {
    if (sink_ != nullptr) sink_->slice(std::move(slice));
  }
  void slice_gone(const ObjectName& name) override {
    if (sink_ != nullptr) sink_->slice_gone(name);
  }
  void node(Node node) override {
    if (sink_ != nullptr) sink_->node(std::move(node));
  }
  void node_gone(const std::string& name) override {
    if (sink_ != nullptr) sink_->node_gone(name);
  }
  void synced(Resource resource) override {
    if (sink_ != nullptr) sink_->synced(resource);
  }
  void problem(const Problem& problem, Severity severity) override {
    if (sink_ != nullptr) sink_->problem(problem, severity);
  }
  void problem_gone(const std::string& object) override {
    if (sink_ != nullptr) sink_->problem_gone(object);
  }

 private:
  ClusterSink* sink_;
};

Awaitable<Result<std::string>> known_path(std::string path) { co_return path; }

Collection fixed_collection(std::string path, std::string label_selector) {
  Collection collection;
  collection.path = [path = std::move(path)] { return known_path(path); };
  collection.path_not_found = [] {};
  collection.label_selector = std::move(label_selector);
  return collection;
}

Collection slice_collection(EndpointSliceApi& api) {
  Collection collection;
  collection.path = [&api] { return api.path(); };
  collection.path_not_found = [&api] { api.forget(); };
  collection.label_selector = kServiceSelector;
  return collection;
}

}  // namespace

std::string_view to_string(Resource resource) {
  switch (resource) {
    case Resource::kServices:
      return "services";
    case Resource::kEndpointSlices:
      return "endpointslices";
    case Resource::kNodes:
      return "nodes";
  }
  return "unknown";
}

std::string_view to_string(ResourceStatus::State state) {
  switch (state) {
    case ResourceStatus::State::kStopped:
      return "stopped";
    case ResourceStatus::State::kConnecting:
      return "connecting";
    case ResourceStatus::State::kListing:
      return "listing";
    case ResourceStatus::State::kWatching:
      return "watching";
    case ResourceStatus::State::kWaiting:
      return "waiting";
  }
  return "unknown";
}

namespace {

// Everything that needs a server's address; made only where there is a usable one.
struct Running {
  Running(std::unique_ptr<ApiClient> api, const ClusterWatchOptions& options, ClusterSink& sink,
          std::array<ResourceStatus, kResources.size()>& status)
      : client(std::move(api)),
        slice_api(*client),
        service_feed(sink, options.config.server, status[0]),
        slice_feed(sink, options.config.server, status[1]),
        node_feed(sink, options.config.server, status[2]),
        services(*client, fixed_collection("/api/v1/services", std::string(kServiceSelector)),
                 options.timing, options.seed, service_feed, status[0]),
        slices(*client, slice_collection(slice_api), options.timing, options.seed + 1, slice_feed,
               status[1]),
        nodes(*client, fixed_collection("/api/v1/nodes", ""), options.timing, options.seed + 2,
              node_feed, status[2]) {}

  std::unique_ptr<ApiClient> client;
  EndpointSliceApi slice_api;
  Feed<ServiceTraits> service_feed;
  Feed<SliceTraits> slice_feed;
  Feed<NodeTraits> node_feed;
  Reflector services, slices, nodes;
};

// Not inside start(), whose caller does not expect to be called back yet.
Awaitable<void> run_later(Reflector& reflector) {
  co_await asio::post(asio::use_awaitable);
  co_await reflector.run();
}

}  // namespace

struct ClusterWatch::Impl {
  Impl(asio::any_io_executor on, ClusterWatchOptions with, ClusterSink& sink)
      : executor(std::move(on)), options(std::move(with)), gate(sink) {
    for (std::size_t i = 0; i < status.size(); ++i) status[i] = ResourceStatus{};
  }

  asio::any_io_executor executor;
  ClusterWatchOptions options;
  Gate gate;
  std::array<ResourceStatus, kResources.size()> status;
  std::array<asio::cancellation_signal, kResources.size()> cancel;
  std::unique_ptr<Running> running;
  bool stopped = false;
  const std::string no_version;
};

ClusterWatch::ClusterWatch(asio::any_io_executor executor, ClusterWatchOptions options,
                           ClusterSink& sink)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options), sink)) {}

ClusterWatch::~ClusterWatch() { stop(); }

void ClusterWatch::start() {
  if (impl_->running || impl_->stopped) return;
  auto client =
      ApiClient::create(impl_->options.config, impl_->options.timing, impl_->options.user_agent);
  if (!client) {
    asio::post(impl_->executor, [impl = impl_, error = client.error()] {
      impl->gate.problem(Problem{"API server " + impl->options.config.server, "", error.doing},
                         Severity::kError);
    });
    return;
  }
  impl_->running =
      std::make_unique<Running>(*std::move(client), impl_->options, impl_->gate, impl_->status);
  Running& running = *impl_->running;
  const std::array<Reflector*, kResources.size()> reflectors{&running.services, &running.slices,
                                                             &running.nodes};
  for (std::size_t i = 0; i < reflectors.size(); ++i) {
    const auto ended = [impl = impl_](const std::exception_ptr& escaped) {
      // A reflector ends by being cancelled. Whatever else escapes from it is for the loop's owner
      // to see.
      if (escaped && !impl->stopped) std::rethrow_exception(escaped);
    };
    asio::co_spawn(impl_->executor, run_later(*reflectors[i]),
                   asio::bind_cancellation_slot(impl_->cancel[i].slot(), ended));
  }
}

void ClusterWatch::stop() {
  impl_->stopped = true;
  impl_->gate.shut();
  for (ResourceStatus& status : impl_->status) status.state = ResourceStatus::State::kStopped;
  for (auto& signal : impl_->cancel) signal.emit(asio::cancellation_type::terminal);
}

const ResourceStatus& ClusterWatch::status(Resource resource) const {
  return impl_->status[static_cast<std::size_t>(resource)];
}

bool ClusterWatch::synced() const {
  return std::all_of(impl_->status.begin(), impl_->status.end(),
                     [](const auto& status) { return status.synced; });
}

const std::string& ClusterWatch::server() const { return impl_->options.config.server; }

const std::string& ClusterWatch::endpoint_slice_version() const {
  return impl_->running ? impl_->running->slice_api.version() : impl_->no_version;
}

}  // namespace fairlead::client
