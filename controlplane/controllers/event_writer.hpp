// Events about objects, for whoever asks `kubectl describe`.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>
#include <string>

#include "controlplane/registry/registry.hpp"
#include "log/log.hpp"

namespace fairlead::controllers {

struct Occurrence {
  std::string type;  // "Normal" or "Warning"
  std::string reason;
  std::string message;
};

/// Who reports is always the same, so what happens again counts up the Event that is there.
class EventWriter {
 public:
  /// `registry` must outlive it.
  EventWriter(registry::Registry& registry, log::Logger log, std::string component)
      : registry_(registry), log_(std::move(log)), component_(std::move(component)) {}

  /// `about`: a namespaced object as stored. What cannot be written is logged.
  boost::asio::awaitable<void> write(boost::json::object about, Occurrence occurrence);

 private:
  registry::Registry& registry_;
  log::Logger log_;
  std::string component_;
};

}  // namespace fairlead::controllers
