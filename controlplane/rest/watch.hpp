// One client's watch: the state it starts from, then each change that its selectors let through,
// until it ends.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/status.hpp"
#include "controlplane/registry/registry.hpp"
#include "controlplane/rest/options.hpp"
#include "controlplane/rest/render.hpp"
#include "controlplane/store/store.hpp"
#include "http/message.hpp"

namespace fairlead::rest {

/// What a watcher sees of a change: an object that enters its selectors is added to it, one that
/// leaves them is deleted.
struct SeenChange {
  store::EventType type = store::EventType::kAdded;
  const store::Object* object = nullptr;  // of a deletion by leaving: its state before
};
std::optional<SeenChange> see_change(const store::Event& event, const store::Filter& filter,
                                     std::string_view prefix);

struct WatchRequest {
  std::string prefix;  // of the keys watched
  store::Filter filter;
  Rendering rendering;
  ListOptions options;
  std::chrono::seconds longest;  // when the client gives no timeout
};

class WatchStream {
 public:
  /// Begins at once: what is in the store now, or after the given revision, is the start.
  WatchStream(registry::Registry& registry, WatchRequest request);

  /// Writes until the client leaves, the time is up, or the client is too slow, which is told by an
  /// ERROR 410.
  boost::asio::awaitable<void> run(http::BodyStream& body);

 private:
  using Clock = store::Ring::Clock;

  [[nodiscard]] store::Revision start(const WatchRequest& request);
  boost::asio::awaitable<bool> write_initial(http::BodyStream& body);
  boost::asio::awaitable<bool> write_events(http::BodyStream& body);
  void append_event(const SeenChange& change, store::Revision revision);
  void append(std::string_view type, std::string_view object);
  void append_expired();

  registry::Registry& registry_;
  WatchRequest request_;
  std::vector<store::ObjectPtr> initial_;
  store::Revision from_;
  store::Watcher watcher_;
  Clock::time_point deadline_;
  Clock::time_point next_bookmark_;
  std::string batch_;
  bool first_ = true;
};

}  // namespace fairlead::rest
