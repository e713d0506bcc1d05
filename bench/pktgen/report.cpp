// counts -> lines of text, JSON, and series.
#include "bench/pktgen/report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::bench::pktgen {
namespace {

constexpr const char* kPart = "pktgen";
constexpr double kQuantiles[] = {0.5, 0.9, 0.99, 0.999};

double micros(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1000; }

struct Field {
  const char* key;
  const char* what;
  std::uint64_t Counts::*member;
};
constexpr Field kFields[] = {
    {"received", "received", &Counts::received},
    {"duplicates", "duplicates", &Counts::duplicates},
    {"tooLate", "too late to tell from duplicates", &Counts::too_late},
    {"reordered", "reordered", &Counts::reordered},
    {"wrongIpChecksum", "with a wrong IP checksum", &Counts::wrong_ip_checksum},
    {"wrongTransportChecksum", "with a wrong UDP or TCP checksum",
     &Counts::wrong_transport_checksum},
    {"damaged", "damaged", &Counts::damaged},
    {"foreignRun", "of another run", &Counts::foreign_run},
    {"foreign", "of others", &Counts::foreign},
};

std::string latency_text(const Histogram& latency) {
  std::string line = "latency us:";
  for (const double part : kQuantiles)
    line += fmt::format(" p{:g} {:.1f}", part * 100, micros(latency.quantile(part)));
  return line + fmt::format(" max {:.1f}\n", micros(latency.max()));
}

const char* limit_text(Throughput::Limit limit) {
  switch (limit) {
    case Throughput::Limit::kDevice:
      return "";
    case Throughput::Limit::kTester:
      return "the generator or the sink was not faster: a lower bound";
    case Throughput::Limit::kHighest:
      return "the highest rate passed: a lower bound";
  }
  return "";
}

/// Of one that only is a lower bound, if there is one.
std::string limit_of(const SizeResult& size) {
  const auto bound = std::ranges::find_if(
      size.searches, [](const Throughput& one) { return one.limit != Throughput::Limit::kDevice; });
  return bound == size.searches.end() ? "" : limit_text(bound->limit);
}

std::vector<double> passed(const SizeResult& size) {
  std::vector<double> rates;
  for (const Throughput& one : size.searches) rates.push_back(one.passed);
  return rates;
}

}  // namespace

std::uint64_t lost(const Run& run) {
  if (!run.received) return 0;
  if (!run.sent) return run.gaps;
  const std::uint64_t arrived = run.received->received;
  return run.sent->packets > arrived ? run.sent->packets - arrived : 0;
}

std::string text(const Run& run) {
  std::string text = fmt::format("run {}\n", run.id);
  if (const auto& sent = run.sent) {
    text += fmt::format("asked for {:.0f} packets/s: {} in {:.3f} s\n", sent->rate, sent->asked_for,
                        sent->seconds);
    text += fmt::format("sent {} ({:.0f} packets/s)\n", sent->packets, sent->achieved());
    if (sent->given_up > 0)
      text += fmt::format("not sent {}: the generator did not reach the rate\n", sent->given_up);
  }
  if (run.received) {
    for (const Field& field : kFields) {
      const std::uint64_t count = *run.received.*field.member;
      if (count > 0 || field.member == &Counts::received)
        text += fmt::format("{} {}\n", field.what, count);
    }
    text += fmt::format("lost {}\n", lost(run));
    if (run.missed > 0)
      text += fmt::format("of them {} came: the sink did not reach the rate\n", run.missed);
    if (run.latency.count() > 0) text += latency_text(run.latency);
  }
  return text;
}

std::string json(const Run& run) {
  std::string json = fmt::format(R"({{"run":{})", run.id);
  if (const auto& sent = run.sent)
    json += fmt::format(R"(,"rate":{},"askedFor":{},"sent":{},"givenUp":{},"seconds":{})",
                        sent->rate, sent->asked_for, sent->packets, sent->given_up, sent->seconds);
  if (run.received) {
    for (const Field& field : kFields)
      json += fmt::format(R"(,"{}":{})", field.key, *run.received.*field.member);
    json += fmt::format(R"(,"lost":{},"missed":{},"latencyNs":{{)", lost(run), run.missed);
    for (const double part : kQuantiles)
      json += fmt::format(R"("p{:g}":{},)", part * 100, run.latency.quantile(part).count());
    json += fmt::format(R"("max":{}}})", run.latency.max().count());
  }
  return json + "}\n";
}

std::string text(const SearchReport& report) {
  std::string text = fmt::format("{}{}{}\n{:>12} {:>14} {:>26} {:>10} {:>10}\n", report.way,
                                 report.way.empty() ? "" : ": ", report.traffic, "frame bytes",
                                 "packets/s", "all searches", "p50 us", "p99 us");
  for (const SizeResult& size : report.sizes) {
    std::vector<double> rates = passed(size);
    std::ranges::sort(rates);
    const double median = rates.empty() ? 0 : rates[(rates.size() - 1) / 2];
    const auto range = rates.empty() ? std::string()
                                     : fmt::format("{:.0f} to {:.0f}", rates.front(), rates.back());
    const auto quantile = [&size](double part) {
      return size.latency_rate > 0 ? fmt::format("{:.1f}", micros(size.latency.quantile(part)))
                                   : std::string("-");
    };
    text += fmt::format("{:>12} {:>14.0f} {:>26} {:>10} {:>10}  {}\n", size.frame, median, range,
                        quantile(0.5), quantile(0.99), limit_of(size));
  }
  return text;
}

Results to_results(const SearchReport& report, Setting setting) {
  Results results;
  results.setting = std::move(setting);
  for (const SizeResult& size : report.sizes) {
    const auto test = fmt::format("{}-byte frames", size.frame);
    results.series.push_back(
        {{kPart, test, report.traffic, "throughput without loss", "packets/s", Better::kMore, 0, 0},
         report.way,
         passed(size)});
    if (const auto limit = limit_of(size); !limit.empty())
      results.not_measured.push_back({kPart, fmt::format("{}, {}", report.way, test), limit});
    if (size.latency_rate > 0)
      results.latencies.push_back(
          {{kPart, test, report.traffic, "latency", "ns", Better::kLess, 0, 0},
           report.way,
           size.latency.buckets()});
  }
  return results;
}

}  // namespace fairlead::bench::pktgen
