// Results -> JSON text. Written by hand: a series a line, and numbers in their shortest form, which
// fmt finds and Boost.JSON (3E0) does not.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>
#include <cmath>
#include <functional>

#include "bench/results/json.hpp"

namespace fairlead::bench {
namespace {

std::string quoted(const std::string& text) { return boost::json::serialize(text); }

template <class T, class Show>
std::string list(const std::vector<T>& items, const char* separator, Show show) {
  std::string text;
  for (const T& item : items) text += (text.empty() ? "" : separator) + std::invoke(show, item);
  return text;
}

std::string number(double sample) {
  return std::isfinite(sample) ? fmt::format("{}", sample) : "null";
}

std::string subject(const Subject& subject) {
  return fmt::format(
      R"({{"part": {}, "test": {}, "traffic": {}, "figure": {}, "unit": {}, "better": "{}", "services": {}, "endpoints": {}}})",
      quoted(subject.part), quoted(subject.test), quoted(subject.traffic), quoted(subject.figure),
      quoted(subject.unit), subject.better == Better::kMore ? "more" : "less", subject.services,
      subject.endpoints);
}

std::string setting(const Setting& setting) {
  return fmt::format(
      R"({{"commit": {}, "version": {}, "started": {}, "kernel": {}, "cpu": {}, "host": {}, "cores": {}, "memoryBytes": {}, "mitigations": [{}], "command": {}}})",
      quoted(setting.commit), quoted(setting.version), quoted(setting.started),
      quoted(setting.kernel), quoted(setting.cpu), quoted(setting.host), setting.cores,
      setting.memory_bytes, list(setting.mitigations, ", ", quoted), quoted(setting.command));
}

std::string series_line(const Series& series) {
  return fmt::format(R"(  {{"subject": {}, "way": {}, "samples": [{}]}})", subject(series.subject),
                     quoted(series.way), list(series.samples, ", ", number));
}

std::string latency_line(const LatencyCurve& curve) {
  const auto bucket = [](const Histogram::Bucket& one) {
    return fmt::format("[{}, {}]", one.value.count(), one.count);
  };
  return fmt::format(R"(  {{"subject": {}, "way": {}, "buckets": [{}]}})", subject(curve.subject),
                     quoted(curve.way), list(curve.buckets, ", ", bucket));
}

std::string not_measured_line(const NotMeasured& one) {
  return fmt::format(R"(  {{"part": {}, "what": {}, "why": {}}})", quoted(one.part),
                     quoted(one.what), quoted(one.why));
}

}  // namespace

std::string to_json(const Results& results) {
  return fmt::format(
      "{{\"schema\": \"fairlead.io/bench/v1\",\n\"setting\": {},\n\"series\": [\n{}\n],\n"
      "\"latencies\": [\n{}\n],\n\"notMeasured\": [\n{}\n]}}\n",
      setting(results.setting), list(results.series, ",\n", series_line),
      list(results.latencies, ",\n", latency_line),
      list(results.not_measured, ",\n", not_measured_line));
}

}  // namespace fairlead::bench
