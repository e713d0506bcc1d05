// The command line of `fairlead controlplane`.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/api/allocators.hpp"
#include "log/log.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::controlplane {

struct Options {
  std::string data_directory;
  Ip listen_address;
  std::uint16_t listen_port = 6443;  // 0: any free one
  Ip advertise_address;              // what clients and the `kubernetes` Service are told
  api::AllocatorOptions allocators;
  log::Options log;
};

/// The flags as given; parse_options() checks them.
struct Flags {
  std::string data_directory;
  std::string listen = "127.0.0.1:6443";
  std::string advertise_address;
  std::string service_cidr = "10.96.0.0/16";
  std::string pod_cidr;
  std::string node_port_range = "30000-32767";
  std::string log_format = "text";
  std::string log_level = "info";
};

/// Adds the flags to the subcommand; `flags` must live until the command line is parsed.
void add_flags(CLI::App& command, Flags& flags);

/// Errors name the flag and what is wrong with its value.
Result<Options> parse_options(const Flags& flags);

}  // namespace fairlead::controlplane
