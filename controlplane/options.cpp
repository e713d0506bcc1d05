// Flags (text) -> Options (values): each is parsed once here.
#include "controlplane/options.hpp"

#include <charconv>

namespace fairlead::controlplane {
namespace {

Result<std::uint16_t> parse_port_number(std::string_view text) {
  unsigned number = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || last != end || number > 65535) {
    return invalid("\"" + std::string(text) + "\" is not a port number");
  }
  return static_cast<std::uint16_t>(number);
}

/// "10.0.0.1:6443" or "[fd00::1]:6443".
Result<> parse_listen(const std::string& text, Options& options) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return invalid("\"" + text + "\": must be ADDRESS:PORT");
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  TRY(options.listen_address, parse_ip(host));
  TRY(options.listen_port, parse_port_number(std::string_view(text).substr(colon + 1)));
  return {};
}

Result<std::vector<Cidr>> parse_cidrs(std::string_view text) {
  std::vector<Cidr> cidrs;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    TRY(const Cidr cidr, parse_cidr(text.substr(0, end)));
    cidrs.push_back(cidr);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return cidrs;
}

Result<> parse_node_ports(std::string_view text, api::AllocatorOptions& options) {
  const auto dash = text.find('-');
  if (dash == text.npos) return invalid("\"" + std::string(text) + "\": must be FIRST-LAST");
  TRY(options.first_node_port, parse_port_number(text.substr(0, dash)));
  TRY(options.last_node_port, parse_port_number(text.substr(dash + 1)));
  return {};
}

template <class T>
Result<T> named(std::string_view flag, Result<T> result) {
  if (result) return result;
  return prefix(flag, std::move(result).error());
}

}  // namespace

void add_flags(CLI::App& command, Flags& flags) {
  command.add_option("--data-dir", flags.data_directory, "Where objects, keys and kubeconfigs are")
      ->required();
  command.add_option("--listen", flags.listen, "ADDRESS:PORT to serve the API on, with TLS")
      ->capture_default_str();
  command.add_option("--advertise-address", flags.advertise_address,
                     "The address that clients are told (default: that of --listen)");
  command
      .add_option("--service-cidr", flags.service_cidr,
                  "Range of ClusterIPs; two of different families for dual stack, with a comma")
      ->capture_default_str();
  command.add_option("--pod-cidr", flags.pod_cidr,
                     "Range that Nodes get their pod ranges from (default: they bring their own)");
  command.add_option("--node-port-range", flags.node_port_range, "FIRST-LAST")
      ->capture_default_str();
  command.add_option("--log-format", flags.log_format, "text or json")->capture_default_str();
  command.add_option("--log-level", flags.log_level, "debug, info, warn or error")
      ->capture_default_str();
}

Result<Options> parse_options(const Flags& flags) {
  Options options;
  options.data_directory = flags.data_directory;
  TRY_VOID(named("--listen", parse_listen(flags.listen, options)));
  if (!flags.advertise_address.empty()) {
    TRY(options.advertise_address, named("--advertise-address", parse_ip(flags.advertise_address)));
  } else if (options.listen_address.is_unspecified()) {
    return invalid("--advertise-address: needed, since --listen is every address");
  } else {
    options.advertise_address = options.listen_address;
  }
  TRY(options.allocators.service_cidrs, named("--service-cidr", parse_cidrs(flags.service_cidr)));
  TRY(options.allocators.pod_cidrs, named("--pod-cidr", parse_cidrs(flags.pod_cidr)));
  TRY_VOID(named("--node-port-range", parse_node_ports(flags.node_port_range, options.allocators)));
  TRY(options.log.format, named("--log-format", log::parse_format(flags.log_format)));
  TRY(options.log.level, named("--log-level", log::parse_level(flags.log_level)));
  return options;
}

}  // namespace fairlead::controlplane
