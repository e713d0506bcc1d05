// Three reflectors -> a Feed each, which decodes -> Gate -> ClusterSink. How they run and end is
// watch_state.hpp's.
#include "controlplane-client/cluster_watch.hpp"

#include "controlplane-client/endpoint_slice_api.hpp"
#include "controlplane-client/feed.hpp"
#include "controlplane-client/watch_state.hpp"

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

Collection labelled_collection(std::string path, std::string_view label_selector) {
  Collection collection = collection_at(std::move(path));
  collection.label_selector = label_selector;
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
  static constexpr std::size_t kCount = kResources.size();

  Running(std::unique_ptr<ApiClient> api, const ClusterWatchOptions& options, ClusterSink& sink,
          std::array<ResourceStatus, kCount>& status)
      : client(std::move(api)),
        slice_api(*client),
        service_feed(sink, options.config.server, status[0]),
        slice_feed(sink, options.config.server, status[1]),
        node_feed(sink, options.config.server, status[2]),
        services(*client, labelled_collection("/api/v1/services", kServiceSelector), options.timing,
                 options.seed, service_feed, status[0]),
        slices(*client, slice_collection(slice_api), options.timing, options.seed + 1, slice_feed,
               status[1]),
        nodes(*client, collection_at("/api/v1/nodes"), options.timing, options.seed + 2, node_feed,
              status[2]) {}
  std::array<Reflector*, kCount> reflectors() { return {&services, &slices, &nodes}; }

  std::unique_ptr<ApiClient> client;
  EndpointSliceApi slice_api;
  Feed<ServiceTraits> service_feed;
  Feed<SliceTraits> slice_feed;
  Feed<NodeTraits> node_feed;
  Reflector services, slices, nodes;
};

}  // namespace

struct ClusterWatch::Impl : WatchState<ClusterWatchOptions, Gate, Running> {
  using WatchState::WatchState;
  const std::string no_version;
};

ClusterWatch::ClusterWatch(asio::any_io_executor executor, ClusterWatchOptions options,
                           ClusterSink& sink)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options), Gate(sink))) {}

ClusterWatch::~ClusterWatch() { stop(); }
void ClusterWatch::start() { impl_->start(); }
void ClusterWatch::stop() { impl_->stop(); }
bool ClusterWatch::synced() const { return impl_->synced(); }

const ResourceStatus& ClusterWatch::status(Resource resource) const {
  return impl_->status(static_cast<std::size_t>(resource));
}

const std::string& ClusterWatch::server() const { return impl_->options().config.server; }

const std::string& ClusterWatch::endpoint_slice_version() const {
  return impl_->running() != nullptr ? impl_->running()->slice_api.version() : impl_->no_version;
}

}  // namespace fairlead::client
