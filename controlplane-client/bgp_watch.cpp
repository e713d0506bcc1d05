// Three reflectors of optional kinds -> a Feed each, which decodes -> Gate -> BgpSink.
#include "controlplane-client/bgp_watch.hpp"

#include "controlplane-client/feed.hpp"
#include "controlplane-client/watch_state.hpp"
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

Collection optional_collection(BgpResource resource, Timing::Duration retry_absent) {
  Collection collection =
      collection_at("/apis/fairlead.io/v1alpha1/" + std::string(to_string(resource)));
  collection.retry_absent = retry_absent;
  return collection;
}

// Everything that needs a server's address; made only where there is a usable one.
struct Running {
  static constexpr std::size_t kCount = kBgpResources.size();

  Running(std::unique_ptr<ApiClient> api, const BgpWatchOptions& options, BgpSink& sink,
          std::array<ResourceStatus, kCount>& status)
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
  std::array<Reflector*, kCount> reflectors() { return {&pools, &peers, &advertisements}; }

  std::unique_ptr<ApiClient> client;
  Feed<PoolTraits> pool_feed;
  Feed<PeerTraits> peer_feed;
  Feed<AdvertisementTraits> advertisement_feed;
  Reflector pools, peers, advertisements;
};

}  // namespace

struct BgpWatch::Impl : WatchState<BgpWatchOptions, Gate, Running> {
  using WatchState::WatchState;
};

BgpWatch::BgpWatch(asio::any_io_executor executor, BgpWatchOptions options, BgpSink& sink)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options), Gate(sink))) {}

BgpWatch::~BgpWatch() { stop(); }
void BgpWatch::start() { impl_->start(); }
void BgpWatch::stop() { impl_->stop(); }
bool BgpWatch::synced() const { return impl_->synced(); }

const ResourceStatus& BgpWatch::status(BgpResource resource) const {
  return impl_->status(static_cast<std::size_t>(resource));
}

}  // namespace fairlead::client
