// set, remove -> history -> lists and watches.
#include "fake_collection.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fairlead::client::test {
namespace {

namespace asio = boost::asio;
constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);

std::uint64_t number(const std::string& text) { return text.empty() ? 0 : std::stoull(text); }

}  // namespace

std::string status_text(int code, const std::string& message) {
  return R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"message":")" + message + "\"}";
}

void FakeCollection::record(const std::string& type, const std::string& object) {
  history_.push_back({version_, R"({"type":")" + type + R"(","object":)" + object + "}\n"});
  changed_.cancel();
}

void FakeCollection::set(const ObjectName& name, const std::string& members) {
  ++version_;
  const bool added = !objects_.contains(name);
  objects_[name] = R"({"metadata":{"namespace":")" + name.ns + R"(","name":")" + name.name +
                   R"(","resourceVersion":")" + std::to_string(version_) + "\"}," + members + "}";
  record(added ? "ADDED" : "MODIFIED", objects_[name]);
}

void FakeCollection::remove(const ObjectName& name) {
  if (objects_.erase(name) == 0) return;
  ++version_;
  record("DELETED", R"({"metadata":{"namespace":")" + name.ns + R"(","name":")" + name.name +
                        R"(","resourceVersion":")" + std::to_string(version_) + "\"}}");
}

void FakeCollection::rewind(std::uint64_t version, std::map<ObjectName, std::string> objects) {
  version_ = version;
  objects_ = std::move(objects);
  history_.clear();
  end_watches();
}

std::string FakeCollection::body(const std::string& continue_token, std::size_t limit) const {
  std::string items, next;
  std::size_t count = 0;
  for (const auto& [name, object] : objects_) {
    if (!continue_token.empty() && to_string(name) <= continue_token) continue;
    if (limit != 0 && count == limit) {
      break;
    }
    items += (items.empty() ? "" : ",") + object;
    next = to_string(name);
    ++count;
  }
  const bool more = limit != 0 && count == limit && !objects_.empty() &&
                    next < to_string(objects_.rbegin()->first);
  return R"({"kind":")" + kind_ + R"(List","apiVersion":"v1","metadata":{"resourceVersion":")" +
         std::to_string(version_) + R"(","continue":")" + (more ? next : "") + R"("},"items":[)" +
         items + "]}";
}

Task FakeCollection::serve(Exchange& exchange) {
  if (exchange.is_watch()) {
    co_await watch(exchange);
  } else {
    co_await list(exchange);
  }
}

Task FakeCollection::list(Exchange& exchange) {
  ++lists;
  const std::string wanted = exchange.parameter("resourceVersion");
  list_queries.push_back(wanted + '/' + exchange.parameter("limit") + '/' +
                         exchange.parameter("continue"));
  if (number(wanted) > version_) {
    co_await exchange.reply(504, status_text(504, "Too large resource version"),
                            "Retry-After: 1\r\n");
    co_return;
  }
  co_await exchange.reply(
      200, body(exchange.parameter("continue"), number(exchange.parameter("limit"))));
}

Task FakeCollection::watch(Exchange& exchange) {
  ++watches;
  std::uint64_t seen = number(exchange.parameter("resourceVersion"));
  watch_queries.push_back(exchange.parameter("resourceVersion"));
  const bool lost = seen < version_ && (history_.empty() || history_.front().version > seen + 1);
  const std::uint64_t ended = ended_;
  co_await exchange.begin();
  if (lost) {
    co_await exchange.send(R"({"type":"ERROR","object":)" +
                           status_text(410, "too old resource version") + "}\n");
  }
  while (!lost && ended == ended_) {
    std::string lines;
    for (const Event& event : history_) {
      if (event.version <= seen) continue;
      lines += distort ? distort(event.line) : event.line;
      seen = event.version;
    }
    if (!lines.empty() && !co_await exchange.send(lines)) break;
    if (!lines.empty()) continue;
    co_await changed_.async_wait(kToTuple);
  }
  co_await exchange.end();
}

}  // namespace fairlead::client::test
