// options -> devices -> ports -> MAC addresses -> offer, sink or search -> report.
#include "bench/pktgen/dpdk/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <map>

#include "bench/results/json.hpp"
#include "bench/results/setting.hpp"

namespace fairlead::bench::pktgen {
namespace {

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

/// The ports that the options name; one where both are the same.
class Ports {
 public:
  static Result<Ports> open(const Options& options) {
    std::map<std::string, std::string> netns_of;
    for (const std::string& text : options.devices) {
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos)
        return invalid(fmt::format("--device '{}': not NETNS=DEVICE", text));
      const std::string netns = text.substr(0, equals);
      TRY(const std::string name, add_virtual_device(netns, text.substr(equals + 1)));
      netns_of[name] = netns;
    }
    Ports ports;
    const auto start = [&](const std::string& device) {
      return Port::start({device, netns_of[device], options.mbufs});
    };
    if (!options.sender.empty()) {
      TRY(auto port, start(options.sender));
      ports.sender_.emplace(std::move(port));
    }
    ports.is_one_ = options.sender == options.receiver;
    if (!options.receiver.empty() && !ports.is_one_) {
      TRY(auto port, start(options.receiver));
      ports.receiver_.emplace(std::move(port));
    }
    return ports;
  }

  Port* sender() { return sender_ ? &*sender_ : nullptr; }
  Port* receiver() { return is_one_ ? sender() : receiver_ ? &*receiver_ : nullptr; }

 private:
  std::optional<Port> sender_, receiver_;
  bool is_one_ = false;
};

Result<Flows> with_macs(Flows flows, const Options& options, Port& port) {
  flows.source_mac = port.mac();
  if (!options.source_mac.empty()) {
    TRY(flows.source_mac, parse_mac(options.source_mac));
  }
  if (!options.destination_mac.empty()) {
    TRY(flows.destination_mac, parse_mac(options.destination_mac));
    return flows;
  }
  Ip gateway = flows.destination;
  if (!options.gateway.empty()) {
    TRY(gateway, parse_ip(options.gateway));
  }
  TRY(flows.destination_mac, resolve(port, gateway, flows.source, 3));
  return flows;
}

Result<std::vector<Ip>> own_addresses(const Options& options) {
  std::vector<Ip> own;
  for (const std::string& text : options.own) {
    TRY(const Ip ip, parse_ip(text));
    own.push_back(ip);
  }
  // One queue each way: the lcore that sends would meet the one that answers in it.
  if (!own.empty() && options.sender == options.receiver)
    return invalid("--answer: not where --tx and --rx are the same port");
  return own;
}

std::string counters_text(const char* what, Port& port) {
  const auto counters = port.counters();
  return fmt::format("{} port {}: sent {}, received {}, not sent {}, missed {}\n", what,
                     port.name(), counters.sent, counters.received, counters.not_sent,
                     counters.missed);
}

/// All searches of all sizes, one after the other.
class Searching {
 public:
  Searching(const Options& options, const Ends& ends, const Stop& stop, Load load)
      : options_(options), ends_(ends), stop_(stop), load_(std::move(load)) {}

  Result<SearchReport> all(const std::vector<Mix>& mixes) {
    SearchReport report{traffic(), options_.way, {}};
    for (const Mix& mix : mixes) report.sizes.push_back({mix.name, {}, 0, {}});
    // Sizes in turn, so that what else the machine does falls on all of them.
    for (std::uint32_t i = 0; i < options_.searches; ++i)
      for (std::size_t size = 0; size < mixes.size(); ++size) {
        TRY(const Throughput found, one(mixes[size]));
        report.sizes[size].searches.push_back(found);
      }
    for (std::size_t size = 0; size < mixes.size(); ++size)
      measure_latency(mixes[size], report.sizes[size]);
    if (stop_.load()) return system_error(ECANCELED, "search");
    return report;
  }

 private:
  [[nodiscard]] std::string traffic() const {
    return fmt::format("{}, {} flow{}", options_.shape, options_.flows,
                       options_.flows == 1 ? "" : "s");
  }

  Run trial(const Mix& mix, double rate, double seconds, double settle) {
    load_.mix = mix;
    load_.rate = rate;
    load_.seconds = seconds;
    ++load_.run;
    return run(ends_, load_, settle, stop_);
  }

  Result<Throughput> one(const Mix& mix) {
    TRY(const SearchOptions options,
        search_of(options_, line_rate(mix, ends_.sender->bits_a_second())));
    if (const auto packets = options_.warm_up.value_or(std::max(options_.flows, 100U));
        packets > 0) {
      const double rate = std::min(options.highest, 10'000.0);
      trial(mix, rate, packets / rate, 0.1);
    }
    say(fmt::format("{:>12} {:>14} {:>14} {:>12} {:>12}\n", "frame bytes", "asked for/s", "sent/s",
                    "sent", "lost"));
    Search search(options);
    for (auto rate = search.next(); rate && !stop_.load(); rate = search.next()) {
      const Run done = trial(mix, *rate, options_.seconds, options_.settle);
      const Trial told{*rate, done.sent->packets, done.received->received, done.sent->seconds,
                       done.missed};
      const Verdict verdict = search.add(told);
      say(fmt::format("{:>12} {:>14.0f} {:>14.0f} {:>12} {:>12}  {}\n", mix.name, *rate,
                      told.sent_rate(), told.sent, lost(done), to_string(verdict)));
    }
    return search.result();
  }

  void measure_latency(const Mix& mix, SizeResult& size) {
    double lowest = size.searches.front().passed;
    for (const Throughput& one : size.searches) lowest = std::min(lowest, one.passed);
    size.latency_rate = lowest * options_.latency_at / 100;
    if (size.latency_rate <= 0 || stop_.load()) return;
    size.latency = trial(mix, size.latency_rate, options_.seconds, options_.settle).latency;
  }

  const Options& options_;
  const Ends& ends_;
  const Stop& stop_;
  Load load_;
};

Result<> search(const Options& options, const std::vector<Mix>& mixes, Searching searching,
                const std::string& command_line) {
  Setting setting = read_setting();
  setting.command = command_line;
  TRY(const SearchReport report, searching.all(mixes));
  say(text(report));
  if (options.json.empty()) return {};
  return write_file(options.json, to_json(to_results(report, setting)));
}

}  // namespace

Result<> run_command(const Options& options, const std::string& command_line, const Stop& stop) {
  TRY(const std::vector<Ip> own, own_addresses(options));
  TRY(Ports ports, Ports::open(options));
  const Ends ends{ports.sender(), ports.receiver(), own, options.flows};
  Load load;
  load.run = options.run;
  load.seconds = options.seconds;
  load.burst = options.burst;
  load.backlog_seconds = options.backlog_ms / 1000;
  std::vector<Mix> mixes;
  if (ends.sender) {
    TRY(const Flows flows, flows_of(options));
    TRY(mixes, mixes_of(options, flows));
    TRY(load.flows, with_macs(flows, options, *ends.sender));
    load.mix = mixes.front();
  }
  if (options.command == Command::kSearch)
    return search(options, mixes, Searching(options, ends, stop, load), command_line);
  if (options.command == Command::kOffer) {
    if (mixes.size() != 1) return invalid("--size: offer has one (or a mix: SIZE:WEIGHT,...)");
    TRY(load.rate, parse_rate(options.rate, line_rate(load.mix, ends.sender->bits_a_second())));
  }
  say("ready\n");
  const Run done = run(ends, load, options.settle, stop);
  say(text(done));
  if (ends.sender) say(counters_text("sending", *ends.sender));
  if (ends.receiver) say(counters_text("receiving", *ends.receiver));
  if (options.json.empty()) return {};
  return write_file(options.json, json(done));
}

}  // namespace fairlead::bench::pktgen
