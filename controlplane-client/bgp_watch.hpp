// The objects that configure BGP, listed and watched like the rest of the cluster: AddressPools,
// BGPPeers and BGPAdvertisements. A server that does not have these kinds counts as one that has
// none of them, and is asked again now and then.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane-client/cluster_watch.hpp"
#include "controlplane-client/config.hpp"
#include "controlplane-client/status.hpp"
#include "controlplane-client/timing.hpp"
#include "model/bgp_objects.hpp"

namespace fairlead::client {

enum class BgpResource : std::uint8_t { kAddressPools, kPeers, kAdvertisements };
inline constexpr std::array kBgpResources{BgpResource::kAddressPools, BgpResource::kPeers,
                                          BgpResource::kAdvertisements};
std::string_view to_string(BgpResource resource);  // "addresspools", …

/// As ClusterSink, of which it has the rules.
struct BgpSink {
  virtual ~BgpSink() = default;
  virtual void address_pool(AddressPool pool) = 0;
  virtual void address_pool_gone(const std::string& name) = 0;
  virtual void peer(BgpPeer peer) = 0;
  virtual void peer_gone(const std::string& name) = 0;
  virtual void advertisement(BgpAdvertisement advertisement) = 0;
  virtual void advertisement_gone(const std::string& name) = 0;
  /// Listed whole for the first time, or not there at all.
  virtual void synced(BgpResource resource) = 0;
  virtual void problem(const Problem& problem, Severity severity) = 0;
  virtual void problem_gone(const std::string& object) = 0;
};

struct BgpWatchOptions {
  ClientConfig config;
  std::string user_agent = "fairlead";
  Timing timing;
  Timing::Duration retry_absent{std::chrono::minutes(2)};  // where the server lacks the kinds
  std::uint64_t seed = 0;                                  // of back-off and relist jitter
};

/// Keeps a BgpSink up to date from start() to stop(). As ClusterWatch.
class BgpWatch {
 public:
  BgpWatch(boost::asio::any_io_executor executor, BgpWatchOptions options, BgpSink& sink);
  ~BgpWatch();  // stops
  BgpWatch(BgpWatch&&) = delete;

  void start();
  /// No callback after it returns.
  void stop();

  [[nodiscard]] const ResourceStatus& status(BgpResource resource) const;
  [[nodiscard]] bool synced() const;  // all three

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace fairlead::client
