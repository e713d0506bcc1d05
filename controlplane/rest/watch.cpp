// Constructed in the same turn of the event loop as its snapshot is taken, so no change falls
// between the two. run(): the snapshot as ADDED, then rounds of: gather what has happened into a
// batch, write it (here a slow client waits, nobody else), or wait for the next change, the next
// bookmark or the end.
#include "controlplane/rest/watch.hpp"

namespace fairlead::rest {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t kBatchBytes = 64 * 1024;
constexpr std::chrono::seconds kBookmarkInterval{60};

std::string_view name_of(store::EventType type) {
  switch (type) {
    case store::EventType::kAdded:
      return "ADDED";
    case store::EventType::kModified:
      return "MODIFIED";
    case store::EventType::kDeleted:
      return "DELETED";
  }
  return "";
}

}  // namespace

std::optional<SeenChange> see_change(const store::Event& event, const store::Filter& filter,
                                     std::string_view prefix) {
  if (!event.object->key.starts_with(prefix)) return std::nullopt;
  if (!filter) return SeenChange{event.type, event.object.get()};
  const bool was = event.before && filter(*event.before);
  if (event.type == store::EventType::kDeleted) {
    if (!was) return std::nullopt;
    return SeenChange{store::EventType::kDeleted, event.object.get()};
  }
  const bool is = filter(*event.object);
  if (is && was) return SeenChange{store::EventType::kModified, event.object.get()};
  if (is) return SeenChange{store::EventType::kAdded, event.object.get()};
  if (was) return SeenChange{store::EventType::kDeleted, event.before.get()};
  return std::nullopt;
}

WatchStream::WatchStream(registry::Registry& registry, WatchRequest request)
    : registry_(registry),
      request_(std::move(request)),
      from_(start(request_)),
      watcher_(registry.store(), request_.rendering.type->stored_as, from_),
      deadline_(Clock::now() + request_.options.timeout.value_or(request_.longest)),
      next_bookmark_(Clock::now() + kBookmarkInterval) {}

store::Revision WatchStream::start(const WatchRequest& request) {
  const ListOptions& options = request.options;
  const store::Revision now = registry_.store().revision();
  const store::Revision asked = options.revision.value_or(0);
  const bool wants_state = options.send_initial_events.value_or(asked == 0);
  if (wants_state) {
    initial_ = registry_.store().list({.prefix = request.prefix, .filter = request.filter})->items;
    return now;
  }
  return asked == 0 ? now : asked;
}

asio::awaitable<void> WatchStream::run(http::BodyStream& body) {
  if (!co_await write_initial(body)) co_return;
  for (;;) {
    if (watcher_.fell_behind()) {
      append_expired();
      co_await body.write(batch_);
      co_return;
    }
    if (!co_await write_events(body)) co_return;
    const bool bookmarks = request_.options.bookmarks;
    const Clock::time_point now = Clock::now();
    const bool ended = now >= deadline_;
    if (bookmarks && (ended || now >= next_bookmark_)) {
      append("BOOKMARK", render_bookmark(request_.rendering, watcher_.revision(), false));
      next_bookmark_ = now + kBookmarkInterval;
      if (!co_await body.write(std::exchange(batch_, {}))) co_return;
      if (!ended) continue;  // something may have happened while that was written
    }
    if (ended) co_return;
    co_await watcher_.wait_until(bookmarks ? std::min(deadline_, next_bookmark_) : deadline_);
  }
}

asio::awaitable<bool> WatchStream::write_initial(http::BodyStream& body) {
  for (const store::ObjectPtr& object : initial_) {
    append_event({store::EventType::kAdded, object.get()}, object->revision);
    if (batch_.size() < kBatchBytes) continue;
    if (!co_await body.write(std::exchange(batch_, {}))) co_return false;
  }
  initial_.clear();
  if (request_.options.send_initial_events.value_or(false) && request_.options.bookmarks) {
    append("BOOKMARK", render_bookmark(request_.rendering, from_, true));
  }
  co_return co_await body.write(std::exchange(batch_, {}));
}

/// All that has happened; the batch is bounded, so a long backlog takes several writes.
asio::awaitable<bool> WatchStream::write_events(http::BodyStream& body) {
  while (!watcher_.fell_behind()) {
    const store::Event* event = nullptr;
    while (batch_.size() < kBatchBytes && (event = watcher_.next()) != nullptr) {
      const auto seen = see_change(*event, request_.filter, request_.prefix);
      if (seen) append_event(*seen, event->revision());
    }
    if (batch_.empty()) co_return true;
    if (!co_await body.write(std::exchange(batch_, {}))) co_return false;
  }
  co_return true;
}

void WatchStream::append_event(const SeenChange& change, store::Revision revision) {
  request_.rendering.now = registry_.now();
  std::optional<json::object> changed;
  if (change.object->revision != revision) {
    // It left the selectors: its state before, with the revision of the change that took it away.
    changed = registry::shown(*request_.rendering.type, *change.object);
    (*changed)["metadata"].as_object()["resourceVersion"] = std::to_string(revision);
  }
  append(name_of(change.type),
         render_event_object(request_.rendering, changed ? &*changed : nullptr, *change.object,
                             std::exchange(first_, false)));
}

void WatchStream::append(std::string_view type, std::string_view object) {
  batch_.append(R"({"type":")").append(type).append(R"(","object":)").append(object).append("}\n");
}

void WatchStream::append_expired() {
  const std::string message = "too old resource version: " + std::to_string(from_) + " (" +
                              std::to_string(registry_.store().revision()) + ")";
  append("ERROR", json::serialize(api::status_body({410, "Expired", message, {}})));
}

}  // namespace fairlead::rest
