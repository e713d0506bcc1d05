// Traffic <-> its name; LoadResult <-> JSON.
#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <utility>

#include "bench/load/json_numbers.hpp"
#include "bench/load/load.hpp"
#include "model/quoted.hpp"

namespace fairlead::bench {
namespace json = boost::json;
namespace {

constexpr std::array<std::pair<Traffic, std::string_view>, 7> kTraffics{{
    {Traffic::kConnections, "connections"},
    {Traffic::kResetConnections, "reset-connections"},
    {Traffic::kConnects, "connects"},
    {Traffic::kRequests, "requests"},
    {Traffic::kStream, "stream"},
    {Traffic::kDatagrams, "datagrams"},
    {Traffic::kUdpRequests, "udp-requests"},
}};

Result<Histogram> parse_latency(const json::object& object) {
  Histogram histogram;
  const json::value* list = object.if_contains("latency");
  if (!list || !list->is_array()) return invalid("latency: no list");
  for (const json::value& entry : list->get_array()) {
    const json::array* pair = entry.if_array();
    if (!pair || pair->size() != 2) return invalid("latency: an entry is no pair");
    std::int64_t nanoseconds = 0;
    std::uint64_t count = 0;
    TRY_VOID(read_number((*pair)[0], "latency", nanoseconds));
    TRY_VOID(read_number((*pair)[1], "latency", count));
    histogram.record(std::chrono::nanoseconds(nanoseconds), count);
  }
  return histogram;
}

}  // namespace

std::string_view to_string(Traffic traffic) {
  for (const auto& [value, name] : kTraffics)
    if (value == traffic) return name;
  return "unknown";
}

Result<Traffic> parse_traffic(std::string_view text) {
  std::string names;
  for (const auto& [value, name] : kTraffics) {
    if (name == text) return value;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  return invalid(fmt::format("{} is none of {}", quoted(text), names));
}

std::string to_json(const LoadResult& result) {
  json::array latency;
  for (const Histogram::Bucket& bucket : result.latency.buckets())
    latency.push_back(json::array{bucket.value.count(), bucket.count});
  json::object object{{"count", result.count},     {"failures", result.failures},
                      {"lost", result.lost},       {"bytes", result.bytes},
                      {"seconds", result.seconds}, {"clientCpuSeconds", result.client_cpu_seconds}};
  if (result.server_cpu_seconds) object["serverCpuSeconds"] = *result.server_cpu_seconds;
  object["latency"] = std::move(latency);
  return json::serialize(object);
}

Result<LoadResult> load_result_from_json(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return invalid("not the result of a load: " + quoted(text));
  const json::object& object = value.get_object();
  LoadResult result;
  TRY_VOID(read_number(object, "count", result.count));
  TRY_VOID(read_number(object, "failures", result.failures));
  TRY_VOID(read_number(object, "lost", result.lost));
  TRY_VOID(read_number(object, "bytes", result.bytes));
  TRY_VOID(read_number(object, "seconds", result.seconds));
  TRY_VOID(read_number(object, "clientCpuSeconds", result.client_cpu_seconds));
  if (object.contains("serverCpuSeconds"))
    TRY_VOID(read_number(object, "serverCpuSeconds", result.server_cpu_seconds.emplace()));
  TRY(result.latency, parse_latency(object));
  return result;
}

}  // namespace fairlead::bench
