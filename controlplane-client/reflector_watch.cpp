// WATCH: events -> sink, and the version that the next watch starts from. Whatever cannot be right
// ends the watch.
#include <boost/url.hpp>

#include "controlplane-client/object_meta.hpp"
#include "controlplane-client/reflector.hpp"

namespace fairlead::client {
namespace {

namespace json = boost::json;

Error protocol_error(std::string doing) {
  return Error{std::make_error_code(std::errc::protocol_error), std::move(doing)};
}

}  // namespace

struct Reflector::WatchReader final : JsonStreamSink {
  explicit WatchReader(Reflector& of) : reflector(of) {}

  void value(const json::value& event) override {
    if (outcome) return;  // what follows something impossible is not believed
    const std::string_view type = text_member(event, "type");
    const json::value& object = member(event, "object");
    if (type == "ERROR") return error_event(object);

    const std::string_view version = text_member(member(object, "metadata"), "resourceVersion");
    if (version.empty())
      return give_up("an event without a resourceVersion", Outcome::Next::kListAgain);
    if (reflector.went_back(version)) {
      return give_up("the server went back in time, from version " + reflector.resource_version_ +
                         " to " + std::string(version),
                     Outcome::Next::kListLatest);
    }
    if (type != "BOOKMARK" && !change(type, object)) return;
    reflector.resource_version_ = version;
    reflector.status_.resource_version = reflector.resource_version_;
  }

  void member(std::string_view, const json::value&) override {}

  void oversized(const ObjectName& name, std::string_view why) override {
    if (outcome) return;
    reflector.sink_.unusable(name, why);
    // Neither its version nor what happened to it is known.
    give_up("an event is " + std::string(why), Outcome::Next::kListAgain);
  }

  Reflector& reflector;
  std::optional<Outcome> outcome;  // set: the watch is over

 private:
  static const json::value& member(const json::value& object, std::string_view field) {
    return client::member(object, field);
  }

  void give_up(std::string why, Outcome::Next next) {
    outcome.emplace();
    outcome->next = next;
    outcome->error = protocol_error("watch: " + std::move(why));
  }

  bool change(std::string_view type, const json::value& object) {
    const bool deleted = type == "DELETED";
    if (!deleted && type != "ADDED" && type != "MODIFIED") {
      give_up("an event of unknown type", Outcome::Next::kListAgain);
      return false;
    }
    auto name = object_name(object);
    if (!name) {
      give_up("an event's object: " + name.error().doing, Outcome::Next::kListAgain);
      return false;
    }
    ++reflector.status_.events;
    if (deleted) {
      reflector.known_.erase(*name);
      reflector.sink_.gone(*name);
    } else {
      reflector.remember(*name);
      reflector.sink_.upsert(*name, object);
    }
    reflector.status_.objects = reflector.known_.size();
    return true;
  }

  // {"kind":"Status","code":410,"message":…}. Whatever it is, a list is the way out.
  void error_event(const json::value& status) {
    const json::value& code = member(status, "code");
    const int number = code.is_int64() ? static_cast<int>(code.get_int64()) : 0;
    std::string message(text_member(status, "message").substr(0, 500));
    give_up("the server ended it: " + std::move(message), Outcome::Next::kListAgain);
    if (number > 0) outcome->error->code = std::error_code(number, http_category());
    outcome->usual = number == 410;
  }
};

Awaitable<Reflector::Outcome> Reflector::watch() {
  const auto began = Clock::now();
  const auto lasting = backoff_.between(timing_.watch_min, timing_.watch_max);
  const std::string version_before = resource_version_;

  Outcome outcome;
  auto answer = co_await get(watch_query(lasting));
  if (!answer) {
    outcome.error = prefix("watch", std::move(answer).error()).value();
    co_return outcome;
  }
  if (answer->head().status != 200) {
    outcome = co_await refused(std::move(*answer));
    outcome.error = prefix("watch", std::move(*outcome.error)).value();
    co_return outcome;
  }
  status_.state = ResourceStatus::State::kWatching;
  ++status_.watches;
  if (!distrusted_) established();
  WatchReader reader(*this);
  outcome = co_await read_watch(std::move(*answer), reader,
                                std::min(began + lasting + timing_.body, next_list_));
  if (Clock::now() - began >= timing_.backoff_limit) backoff_.reset();
  if (!outcome.error) outcome = watch_ended(began, version_before);
  co_return outcome;
}

Awaitable<Reflector::Outcome> Reflector::read_watch(Answer answer, WatchReader& reader,
                                                    Clock::time_point end) {
  JsonStream stream(JsonStream::Shape::kEvents, reader);
  while (Clock::now() < end) {
    const auto left = std::chrono::ceil<Timing::Duration>(end - Clock::now());
    auto piece = co_await answer.read(std::min(timing_.silence, left));
    if (!piece && Clock::now() >= end) break;  // it was to end by itself
    if (!piece) co_return watch_broke(std::move(piece).error());
    if (piece->empty()) break;  // an event that was cut off comes again with the next watch
    contact();
    auto fed = stream.feed(*piece);
    if (reader.outcome) co_return *reader.outcome;
    if (!fed) {
      Outcome outcome;
      outcome.next = Outcome::Next::kListAgain;
      outcome.error = prefix("watch", std::move(fed).error()).value();
      co_return outcome;
    }
    if (distrusted_) established();
  }
  co_return Outcome{};
}

Reflector::Outcome Reflector::watch_broke(Error error) {
  Outcome outcome;
  if (error.code == std::errc::timed_out) {
    outcome.usual = true;  // a server without bookmarks, where nothing changes
    error.doing = "the server has said nothing for too long";
  }
  outcome.error = prefix("watch", std::move(error)).value();
  return outcome;
}

// A server may end a watch whenever it likes, but one that does so at once, and brings us nowhere,
// is not asked again and again at full speed.
Reflector::Outcome Reflector::watch_ended(Clock::time_point began,
                                          const std::string& version_before) {
  Outcome outcome;
  if (Clock::now() - began < timing_.watch_too_short && resource_version_ == version_before) {
    outcome.error = protocol_error("watch: the server ended it at once");
    outcome.usual = true;
  }
  return outcome;
}

std::string Reflector::watch_query(Timing::Duration lasting) const {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(lasting);
  return "watch=true&allowWatchBookmarks=true&resourceVersion=" +
         boost::urls::encode(resource_version_, boost::urls::unreserved_chars) +
         "&timeoutSeconds=" + std::to_string(seconds.count());
}

}  // namespace fairlead::client
