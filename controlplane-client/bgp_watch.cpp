// Three reflectors of optional kinds -> a Feed each, which decodes -> Gate -> BgpSink. The Impl is
// held by the running coroutines, as in cluster_watch.cpp.
#include "controlplane-client/bgp_watch.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "controlplane-client/api_client.hpp"
#include "controlplane-client/feed.hpp"
#include "controlplane-client/reflector.hpp"
#include "objects/bgp_objects.hpp"

namespace fairlead::client {

namespace asio = boost::asio;

std::string_view to_string(BgpResource resource) {
  switch (resource) {
    case BgpResource::kAddressPools:
      return "addresspools";
    case BgpResource::kPeers:
      return "bgppeers";
    case BgpResource::kAdvertisements:
      return "bgpadvertisements";
  }
  return "unknown";
}

namespace {

struct PoolTraits {
  using Sink = BgpSink;
  static constexpr BgpResource kResource = BgpResource::kAddressPools;
  static constexpr std::string_view kKind = "AddressPool";
  static Result<Decoded<AddressPool>> decode(const boost::json::value& json) {
    return decode_address_pool(json);
  }
  static void give(Sink& sink, AddressPool pool) { sink.address_pool(std::move(pool)); }
  static void gone(Sink& sink, const ObjectName& name) { sink.address_pool_gone(name.name); }
};
struct PeerTraits {
  using Sink = BgpSink;
  static constexpr BgpResource kResource = BgpResource::kPeers;
  static constexpr std::string_view kKind = "BGPPeer";
  static Result<Decoded<BgpPeer>> decode(const boost::json::value& json) {
    return decode_bgp_peer(json);
  }
  static void give(Sink& sink, BgpPeer peer) { sink.peer(std::move(peer)); }
  static void gone(Sink& sink, const ObjectName& name) { sink.peer_gone(name.name); }
};
struct AdvertisementTraits {
  using Sink = BgpSink;
  static constexpr BgpResource kResource = BgpResource::kAdvertisements;
  static constexpr std::string_view kKind = "BGPAdvertisement";
  static Result<Decoded<BgpAdvertisement>> decode(const boost::json::value& json) {
    return decode_bgp_advertisement(json);
  }
  static void give(Sink& sink, BgpAdvertisement advertisement) {
    sink.advertisement(std::move(advertisement));
  }
  static void gone(Sink& sink, const ObjectName& name) { sink.advertisement_gone(name.name); }
};

// Between us and the sink: shut by stop(), whatever the coroutines still do while they unwind.
class Gate final : public BgpSink {
 public:
  explicit Gate(BgpSink& sink) : sink_(&sink) {}
  void shut() { sink_ = nullptr; }

  void address_pool(AddressPool pool) override {
    if (sink_ != nullptr) sink_->address_pool(std::move(pool));
  }
  void address_pool_gone(const std::string& name) override {
    if (sink_ != nullptr) sink_->address_pool_gone(name);
  }
  void peer(BgpPeer peer) override {
    if (sink_ != nullptr) sink_->peer(std::move(peer));
  }
  void peer_gone(const std::string& name) override {
    if (sink_ != nullptr) sink_->peer_gone(name);
  }
  void advertisement(BgpAdvertisement advertisement) override {
    if (sink_ != nullptr) sink_->advertisement(std::move(advertisement));
  }
  void advertisement_gone(const std::string& name) override {
    if (sink_ != nullptr) sink_->advertisement_gone(name);
  }
  void synced(BgpResource resource) override {
    if (sink_ != nullptr) sink_->synced(resource);
  }
  void problem(const Problem& problem, Severity severity) override {
    if (sink_ != nullptr) sink_->problem(problem, severity);
  }
  void problem_gone(const std::string& object) override {
    if (sink_ != nullptr) sink_->problem_gone(object);
  }

 private:
  BgpSink* sink_;
};

Awaitable<Result<std::string>> known_path(std::string path) { co_return path; }

Collection optional_collection(BgpResource resource, Timing::Duration retry_absent) {
  std::string path = "/apis/fairlead.io/v1alpha1/" + std::string(to_string(resource));
  Collection collection;
  collection.path = [path = std::move(path)] { return known_path(path); };
  collection.path_not_found = [] {};
  collection.retry_absent = retry_absent;
  return collection;
}

// Everything that needs a server's address; made only where there is a usable one.
struct Running {
  using Statuses = std::array<ResourceStatus, kBgpResources.size()>;

  Running(std::unique_ptr<ApiClient> api, const BgpWatchOptions& options, BgpSink& sink,
          Statuses& status)
      : client(std::move(api)),
        pool_feed(sink, options.config.server, status[0]),
        peer_feed(sink, options.config.server, status[1]),
        advertisement_feed(sink, options.config.server, status[2]),
        pools(*client, optional_collection(BgpResource::kAddressPools, options.retry_absent),
              options.timing, options.seed, pool_feed, status[0]),
        peers(*client, optional_collection(BgpResource::kPeers, options.retry_absent),
              options.timing, options.seed + 1, peer_feed, status[1]),
        advertisements(*client,
                       optional_collection(BgpResource::kAdvertisements, options.retry_absent),
                       options.timing, options.seed + 2, advertisement_feed, status[2]) {}

  std::unique_ptr<ApiClient> client;
  Feed<PoolTraits> pool_feed;
  Feed<PeerTraits> peer_feed;
  Feed<AdvertisementTraits> advertisement_feed;
  Reflector pools, peers, advertisements;
};

// Not inside start(), whose caller does not expect to be called back yet.
Awaitable<void> run_later(Reflector& reflector) {
  co_await asio::post(asio::use_awaitable);
  co_await reflector.run();
}

}  // namespace

struct BgpWatch::Impl {
  Impl(asio::any_io_executor on, BgpWatchOptions with, BgpSink& sink)
      : executor(std::move(on)), options(std::move(with)), gate(sink) {}

  asio::any_io_executor executor;
  BgpWatchOptions options;
  Gate gate;
  Running::Statuses status = {};
  std::array<asio::cancellation_signal, kBgpResources.size()> cancel;
  std::unique_ptr<Running> running;
  bool stopped = false;
};

BgpWatch::BgpWatch(asio::any_io_executor executor, BgpWatchOptions options, BgpSink& sink)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options), sink)) {}

BgpWatch::~BgpWatch() { stop(); }

void BgpWatch::start() {
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
  const std::array<Reflector*, kBgpResources.size()> reflectors{&running.pools, &running.peers,
                                                                &running.advertisements};
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

void BgpWatch::stop() {
  impl_->stopped = true;
  impl_->gate.shut();
  for (ResourceStatus& status : impl_->status) status.state = ResourceStatus::State::kStopped;
  for (auto& signal : impl_->cancel) signal.emit(asio::cancellation_type::terminal);
}

const ResourceStatus& BgpWatch::status(BgpResource resource) const {
  return impl_->status[static_cast<std::size_t>(resource)];
}

bool BgpWatch::synced() const {
  return std::ranges::all_of(impl_->status, [](const auto& status) { return status.synced; });
}

}  // namespace fairlead::client
