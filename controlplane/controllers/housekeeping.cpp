// An Event's age counts from its last occurrence, which old and new clients write into different
// fields.
#include "controlplane/controllers/housekeeping.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "objects/decode.hpp"

namespace fairlead::controllers {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::minutes kInterval{1};

std::optional<Time> time_at(const json::value& object, std::string_view pointer) {
  json::error_code error;
  const json::value* value = object.find_pointer(pointer, error);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto time = parse_time(value->get_string());
  return time ? std::optional(*time) : std::nullopt;
}

Time last_seen(const json::value& event) {
  Time last{};
  for (const char* field : {"/lastTimestamp", "/series/lastObservedTime", "/eventTime",
                            "/metadata/creationTimestamp"}) {
    last = std::max(last, time_at(event, field).value_or(Time{}));
  }
  return last;
}

}  // namespace

asio::awaitable<void> expire_events(registry::Registry& registry, log::Logger log) {
  const api::ResourceType& type = *api::find_kind("", "v1", "Event");
  for (const store::ObjectPtr& event : registry.store().all(registry::prefix_of(type, ""))) {
    if (registry.now() - last_seen(event->parse()) <= kEventTtl) continue;
    registry::Target target(&type, std::string(event->metadata("namespace")),
                            std::string(event->metadata("name")));
    const auto removed = co_await registry.remove(std::move(target));
    if (removed || removed.error().code == 404) continue;
    log.warn("event not expired", {{"event", event->key}, {"error", removed.error().message}});
  }
}

asio::awaitable<void> keep_house(registry::Registry& registry, log::Logger log) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    timer.expires_after(kInterval);
    co_await timer.async_wait(asio::use_awaitable);
    co_await expire_events(registry, log);
    registry.store().expire(store::Ring::Clock::now());
  }
}

}  // namespace fairlead::controllers
