// The cluster as an agent sees it: Services, EndpointSlices and Nodes, listed and watched,
// decoded, and handed to a ClusterSink. Whatever the API server does, the sink's picture is only
// ever late, never wrong.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane-client/config.hpp"
#include "controlplane-client/status.hpp"
#include "controlplane-client/timing.hpp"
#include "model/object.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace fairlead::client {

enum class Resource : std::uint8_t { kServices, kEndpointSlices, kNodes };
inline constexpr std::array kResources{Resource::kServices, Resource::kEndpointSlices,
                                       Resource::kNodes};
std::string_view to_string(Resource resource);  // "services", "endpointslices", "nodes"

enum class Severity : std::uint8_t {
  kWarning,  // part of an object was left out, or the API server is out of reach; it is tried again
  kError,    // an object could not be used at all, or a person must act (credentials, permissions,
             // certificates)
};

/// Receives the cluster. Called on the executor's thread, never from inside a call to ClusterWatch.
/// The same object may arrive again unchanged (each relist does that); a name may be reported gone
/// that never arrived.
struct ClusterSink {
  virtual ~ClusterSink() = default;
  virtual void service(Service service) = 0;
  virtual void service_gone(const ObjectName& name) = 0;
  virtual void slice(EndpointSlice slice) = 0;
  virtual void slice_gone(const ObjectName& name) = 0;  // the slice's own name, not its Service's
  virtual void node(Node node) = 0;
  virtual void node_gone(const std::string& name) = 0;
  /// The resource has been listed whole for the first time.
  virtual void synced(Resource resource) = 0;
  /// Said once, until it changes or problem_gone(). `problem.object` is "Service ns/name" and so
  /// on, or "API server https://…: services" for what concerns the connection.
  virtual void problem(const Problem& problem, Severity severity) = 0;
  /// Nothing that was said of this object holds any longer.
  virtual void problem_gone(const std::string& object) = 0;
};

struct ClusterWatchOptions {
  ClientConfig config;
  std::string user_agent = "fairlead";
  Timing timing;
  std::uint64_t seed = 0;  // of back-off and relist jitter
};

/// Keeps a ClusterSink up to date from start() to stop(). `sink` must outlive stop() or the
/// ClusterWatch. Everything happens on `executor`, which must be a single thread (or a strand).
class ClusterWatch {
 public:
  ClusterWatch(boost::asio::any_io_executor executor, ClusterWatchOptions options,
               ClusterSink& sink);
  ~ClusterWatch();  // stops
  ClusterWatch(ClusterWatch&&) = delete;

  void start();
  /// No callback after it returns. The executor may need to run on for a moment to release sockets.
  void stop();

  [[nodiscard]] const ResourceStatus& status(Resource resource) const;
  [[nodiscard]] bool synced() const;  // all three
  [[nodiscard]] const std::string& server() const;
  /// "discovery.k8s.io/v1" or "discovery.k8s.io/v1beta1"; "" before it is known.
  [[nodiscard]] const std::string& endpoint_slice_version() const;

 private:
  struct Impl;
  std::shared_ptr<Impl>
      impl_;  // shared with the running coroutines, which end a moment after stop()
};

}  // namespace fairlead::client
