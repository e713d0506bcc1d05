// The few Secrets that somebody names, each listed and watched by its own name, so that the
// permission to read these and no others is enough.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "controlplane-client/cluster_watch.hpp"
#include "controlplane-client/config.hpp"
#include "controlplane-client/timing.hpp"
#include "model/object.hpp"

namespace fairlead::client {

/// Bytes by key. Never for a log.
using SecretData = std::map<std::string, std::string>;

/// As ClusterSink, of which it has the rules.
struct SecretSink {
  virtual ~SecretSink() = default;
  /// Of a Secret that is watched, as soon as it is known, and whenever that changes. nullopt: it
  /// does not exist. What cannot be read (no permission, no server) leaves what was said last.
  virtual void secret(const ObjectName& name, const std::optional<SecretData>& data) = 0;
  virtual void problem(const Problem& problem, Severity severity) = 0;
  virtual void problem_gone(const std::string& object) = 0;
};

struct SecretWatchOptions {
  ClientConfig config;
  std::string user_agent = "fairlead";
  Timing timing;
  std::uint64_t seed = 0;  // of back-off and relist jitter
};

/// Keeps a SecretSink up to date until stop(). As ClusterWatch.
class SecretWatch {
 public:
  SecretWatch(boost::asio::any_io_executor executor, SecretWatchOptions options, SecretSink& sink);
  ~SecretWatch();  // stops
  SecretWatch(SecretWatch&&) = delete;

  /// These are watched from now on. The sink hears no more of others.
  void watch(const std::set<ObjectName>& names);
  /// No callback after it returns.
  void stop();

  /// Of each that is watched it is known what it has, or that it does not exist.
  [[nodiscard]] bool synced() const;

 private:
  class One;
  boost::asio::any_io_executor executor_;
  SecretWatchOptions options_;
  SecretSink& sink_;
  std::map<ObjectName, std::shared_ptr<One>> watched_;
  bool stopped_ = false;
};

}  // namespace fairlead::client
