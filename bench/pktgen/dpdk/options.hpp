// What is behind `--` on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/pktgen/dpdk/port.hpp"
#include "bench/pktgen/dpdk/sender.hpp"
#include "bench/pktgen/search.hpp"

namespace fairlead::bench::pktgen {

enum class Command : std::uint8_t { kOffer, kSink, kSearch };

/// As written; rates and addresses need the ports before they can be more than text.
struct Options {
  Command command = Command::kOffer;

  // Ports.
  std::vector<std::string> devices;  // NETNS=DEVICE
  std::string sender, receiver;
  std::string sender_netns, receiver_netns;
  std::uint32_t mbufs = 16383;

  // Packets.
  std::string shape = "udp", from, to, from_ports = "1024-65535", source_mac, destination_mac;
  std::string gateway;
  std::uint16_t port = 0;
  std::uint32_t flows = 1;
  std::vector<std::string> sizes{"64"};
  std::vector<std::string> own;

  // Time.
  std::string rate;
  double seconds = 0, settle = 2, backlog_ms = 10;
  std::uint32_t burst = 32;
  std::uint16_t run = 1;

  // Search.
  std::string highest = "100%", lowest, resolution;
  double loss_tolerance = 0, sending_tolerance = 0.01, latency_at = 90;
  std::uint32_t tries = 1, searches = 1;
  std::optional<std::uint32_t> warm_up;
  std::string way = "device";

  std::string json;
};

/// The program's arguments, without those of the EAL. Nothing where all is said (--help, or an
/// error, which is on stderr); then the exit status.
struct Parsed {
  std::optional<Options> options;
  int status = 0;
};
Parsed parse_options(const std::vector<std::string>& arguments);

/// Flows as the options say them; MAC addresses are filled in later.
Result<Flows> flows_of(const Options& options);

/// Sizes: "rfc2544" becomes those of RFC 2544, 9.1.
Result<std::vector<Mix>> mixes_of(const Options& options, const Flows& flows);

Result<SearchOptions> search_of(const Options& options, double line);

}  // namespace fairlead::bench::pktgen
