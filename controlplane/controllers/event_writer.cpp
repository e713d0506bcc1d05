// Object, reason, message -> the name of the Event (the same for the same) -> created, or counted.
#include "controlplane/controllers/event_writer.hpp"

#include "controlplane/api/json_view.hpp"
#include "objects/decode.hpp"

namespace fairlead::controllers {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// FNV-1a: names must be the same after a restart.
std::string digest_of(std::initializer_list<std::string_view> texts) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const std::string_view text : texts) {
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
    hash *= 1099511628211ULL;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits.push_back(kDigits[hash >> shift & 15]);
  return digits;
}

json::object reference_to(const json::object& object) {
  json::object reference{{"kind", api::text_at(object, {"kind"})},
                         {"apiVersion", api::text_at(object, {"apiVersion"})}};
  for (const char* key : {"namespace", "name", "uid", "resourceVersion"}) {
    reference[key] = api::text_at(object, {"metadata", key});
  }
  return reference;
}

}  // namespace

asio::awaitable<void> EventWriter::write(json::object about, Occurrence occurrence) {
  const std::string ns(api::text_at(about, {"metadata", "namespace"}));
  const std::string object_name(api::text_at(about, {"metadata", "name"}));
  const std::string digest =
      digest_of({api::text_at(about, {"metadata", "uid"}), occurrence.reason, occurrence.message});
  registry::Target target(api::find_kind("", "v1", "Event"), ns, object_name + "." + digest);
  const std::string now = format_time(registry_.now());
  const std::string key = registry::key_of(*target.type, target.ns, target.name);
  json::object event;
  if (const store::ObjectPtr known = registry_.store().get(key)) {
    event = known->parse();
    event["count"] = api::integer_at(event, {"count"}).value_or(1) + 1;
  } else {
    event = {{"apiVersion", "v1"},
             {"kind", "Event"},
             {"metadata", {{"name", target.name}, {"namespace", ns}}},
             {"involvedObject", reference_to(about)},
             {"type", occurrence.type},
             {"reason", occurrence.reason},
             {"message", occurrence.message},
             {"source", {{"component", component_}}},
             {"reportingComponent", component_},
             {"firstTimestamp", now},
             {"count", 1}};
  }
  event["lastTimestamp"] = now;
  const auto written = co_await registry_.update(std::move(target), std::move(event));
  if (written) co_return;
  log_.warn("event not written",
            {{"service", ns + "/" + object_name}, {"error", written.error().message}});
}

}  // namespace fairlead::controllers
