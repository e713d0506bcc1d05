// arguments -> Options -> what the parts want, each checked with the name of its option.
#include "bench/pktgen/dpdk/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

namespace fairlead::bench::pktgen {
namespace {

void add_common(CLI::App& app, Options& options) {
  app.add_option("--device", options.devices,
                 "NETNS=DEVICE: a virtual device in a network namespace, such as "
                 "pod=net_af_packet1,iface=eth0; those of this namespace are the EAL's --vdev");
  app.add_option("--mbufs", options.mbufs, "buffers of each port")->capture_default_str();
  app.add_option("--run", options.run, "number by which packets are known again")
      ->capture_default_str();
  app.add_option("--json", options.json, "write the report to this file, too");
}

void add_sending(CLI::App& app, Options& options) {
  app.add_option("--tx", options.sender, "port to send from: number or name")->required();
  app.add_option("--shape", options.shape, "udp, tcp-syn, tcp-data")->capture_default_str();
  app.add_option("--from", options.from, "source address, of the first flow")->required();
  app.add_option("--to", options.to, "destination address")->required();
  app.add_option("--port", options.port, "destination port")->required();
  app.add_option("--from-ports", options.from_ports,
                 "A-B: flows count up the port, and then the "
                 "source address")
      ->capture_default_str();
  app.add_option("--flows", options.flows)->capture_default_str();
  app.add_option("--source-mac", options.source_mac, "default: the port's own");
  app.add_option("--destination-mac", options.destination_mac,
                 "default: --gateway is asked by ARP or NDP");
  app.add_option("--gateway", options.gateway, "next hop; default: the destination itself");
  app.add_option("--size", options.sizes,
                 "frame bytes with FCS: one, SIZE:WEIGHT,..., or imix; search takes several, or "
                 "rfc2544")
      ->capture_default_str();
  app.add_option("--burst", options.burst, "packets at most at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--backlog", options.backlog_ms,
                 "milliseconds that a sender which was held up makes up for")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--settle", options.settle, "seconds to wait for late packets")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void add_search(CLI::App& app, Options& options) {
  app.add_option("--rx", options.receiver, "port of the sink")->required();
  app.add_option("--seconds", options.seconds, "of a trial")
      ->required()
      ->check(CLI::PositiveNumber);
  app.add_option("--highest", options.highest, "rate: packets/s, k, M, or % of the line")
      ->capture_default_str();
  app.add_option("--lowest", options.lowest, "rate below which is not searched");
  app.add_option("--resolution", options.resolution, "rate; default: a thousandth of the highest");
  app.add_option("--loss-tolerance", options.loss_tolerance, "part of the packets")
      ->capture_default_str();
  app.add_option("--sending-tolerance", options.sending_tolerance,
                 "part that the generator may fall short of")
      ->capture_default_str();
  app.add_option("--tries", options.tries, "a rate fails when so many trials in a row lost")
      ->capture_default_str();
  app.add_option("--searches", options.searches, "of each size")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--warm-up", options.warm_up,
                 "packets before each search, not counted; default: one a flow, 100 at least");
  app.add_option("--latency-at", options.latency_at,
                 "percent of the rate that was found, at which latency is measured; 0: not")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--way", options.way, "what is measured, in the results")->capture_default_str();
}

template <class T>
bool read_number(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end;
}

}  // namespace

Parsed parse_options(const std::vector<std::string>& arguments) {
  CLI::App app(
      "Packet generator and sink: pktgen [EAL OPTIONS] -- offer|sink|search OPTIONS\n"
      "(bench/pktgen/README.md)");
  Options options;
  app.require_subcommand(1);
  CLI::App* offer = app.add_subcommand("offer", "sends at a rate, and counts what comes to --rx");
  CLI::App* sink = app.add_subcommand("sink", "counts, until SIGINT or SIGTERM");
  CLI::App* search = app.add_subcommand("search", "finds the highest rate without loss (RFC 2544)");
  for (CLI::App* command : {offer, sink, search}) add_common(*command, options);
  for (CLI::App* command : {offer, search}) add_sending(*command, options);
  add_search(*search, options);
  offer->add_option("--rx", options.receiver, "port of the sink; none: nothing is counted");
  offer->add_option("--rate", options.rate, "packets/s, k, M, or % of the line")->required();
  offer->add_option("--seconds", options.seconds)->required()->check(CLI::PositiveNumber);
  sink->add_option("--rx", options.receiver, "port")->required();
  sink->add_option("--seconds", options.seconds, "0: until a signal")->capture_default_str();
  options.flows = 1;
  sink->add_option("--flows", options.flows, "that there are at most; default 65536");
  for (CLI::App* command : {offer, sink, search})
    command->add_option("--answer", options.own, "addresses that the sink's port answers for");
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error)};
  }
  options.command = offer->parsed()  ? Command::kOffer
                    : sink->parsed() ? Command::kSink
                                     : Command::kSearch;
  if (sink->parsed() && sink->count("--flows") == 0) options.flows = 65536;
  return {options, 0};
}

Result<Flows> flows_of(const Options& options) {
  Flows flows;
  TRY(flows.shape, parse_shape(options.shape));
  if (auto ip = parse_ip(options.from))
    flows.source = *ip;
  else
    return prefix("--from", ip.error());
  if (auto ip = parse_ip(options.to))
    flows.destination = *ip;
  else
    return prefix("--to", ip.error());
  if (auto port = make_port(options.port))
    flows.destination_port = *port;
  else
    return prefix("--port", port.error());
  const std::size_t dash = options.from_ports.find('-');
  const std::string_view text(options.from_ports);
  std::uint16_t first = 0, last = 0;
  if (!read_number(text.substr(0, dash), first) ||
      !read_number(dash == std::string::npos ? text : text.substr(dash + 1), last) || last < first)
    return invalid(fmt::format("--from-ports '{}': neither PORT nor FIRST-LAST", text));
  flows.first_port = {first};
  flows.ports = last - first + 1U;
  flows.count = options.flows;
  TRY_VOID(check(flows));
  return flows;
}

Result<std::vector<Mix>> mixes_of(const Options& options, const Flows& flows) {
  const std::size_t smallest = smallest_frame(flows.shape, flows.source.family());
  std::vector<Mix> mixes;
  for (const std::string& size : options.sizes) {
    if (size == "rfc2544") {
      for (const std::uint32_t bytes : rfc2544_sizes(smallest)) {
        TRY(Mix mix, parse_mix(std::to_string(bytes), smallest));
        mixes.push_back(std::move(mix));
      }
      continue;
    }
    TRY(Mix mix, parse_mix(size, smallest));
    mixes.push_back(std::move(mix));
  }
  return mixes;
}

Result<SearchOptions> search_of(const Options& options, double line) {
  SearchOptions search;
  const auto read = [line](const char* option, const std::string& text, double& rate) -> Result<> {
    if (text.empty()) return {};
    const auto read_rate = parse_rate(text, line);
    if (!read_rate) return prefix(option, read_rate.error());
    rate = *read_rate;
    return {};
  };
  TRY_VOID(read("--highest", options.highest, search.highest));
  search.resolution = search.highest / 1000;
  TRY_VOID(read("--lowest", options.lowest, search.lowest));
  TRY_VOID(read("--resolution", options.resolution, search.resolution));
  search.loss_tolerance = options.loss_tolerance;
  search.sending_tolerance = options.sending_tolerance;
  search.tries = options.tries;
  TRY_VOID(check(search));
  return search;
}

}  // namespace fairlead::bench::pktgen
