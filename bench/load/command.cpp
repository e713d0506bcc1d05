// Arguments -> ServerOptions or LoadOptions -> serve() or run_load() -> table or JSON.
#include "bench/load/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <functional>
#include <memory>

#include "model/quoted.hpp"

namespace fairlead::bench {
namespace {

/// As written; what is no text has been checked by the parser.
struct ServerArguments {
  std::string address = "::";
  std::int64_t port = 0;
  ServerOptions options;
};

struct ClientArguments {
  std::string to, control, traffic = "requests", output = "table";
  double rate = 0;
  LoadOptions options;
};

Result<> run_server(ServerArguments& arguments) {
  auto address = parse_ip(arguments.address);
  if (!address) return prefix("--address", address.error());
  auto port = make_port(arguments.port);
  if (!port) return prefix("--port", port.error());
  arguments.options.address = *address;
  arguments.options.port = *port;
  return serve(arguments.options);
}

Result<> complete(ClientArguments& arguments, bool has_rate) {
  const auto traffic = parse_traffic(arguments.traffic);
  if (!traffic) return prefix("--traffic", traffic.error());
  const auto to = parse_server_address(arguments.to);
  if (!to) return prefix("ADDRESS:PORT", to.error());
  LoadOptions& options = arguments.options;
  options.traffic = *traffic;
  options.address = to->address;
  options.port = to->port;
  if (has_rate) options.rate = arguments.rate;
  if (arguments.control.empty()) return {};
  const auto control = parse_server_address(arguments.control);
  if (!control) return prefix("--control", control.error());
  options.control = *control;
  return {};
}

Result<> run_client(ClientArguments& arguments, bool has_rate) {
  TRY_VOID(complete(arguments, has_rate));
  TRY(const LoadResult result, run_load(arguments.options));
  if (arguments.output == "json")
    fmt::print("{}\n", to_json(result));
  else
    fmt::print("{}", to_table(result, arguments.options));
  return {};
}

int say(const Result<>& result) {
  if (result) return 0;
  fmt::print(stderr, "fairlead: {}\n", result.error().doing);
  return 1;
}

void add_threads(CLI::App& command, std::uint32_t& threads, std::vector<unsigned>& cpus) {
  command.add_option("--threads", threads, "how many")->capture_default_str();
  command.add_option("--cpus", cpus, "thread i runs on the i-th of these; default: wherever")
      ->delimiter(',');
}

void add_server(CLI::App& parent, int& exit_code) {
  CLI::App* command = parent.add_subcommand("server", "what clients ask; until SIGTERM or SIGINT");
  auto arguments = std::make_shared<ServerArguments>();
  command->add_option("--address", arguments->address, "where to listen")->capture_default_str();
  command->add_option("--port", arguments->port, "TCP and UDP")->required();
  add_threads(*command, arguments->options.threads, arguments->options.cpus);
  command->add_option("--ready-fd", arguments->options.ready_fd,
                      "descriptor that gets one byte when all sockets listen");
  command->callback([arguments, &exit_code] { exit_code = say(run_server(*arguments)); });
}

void add_client(CLI::App& parent, int& exit_code) {
  CLI::App* command = parent.add_subcommand("client", "asks a server, and says how it went");
  auto arguments = std::make_shared<ClientArguments>();
  LoadOptions& options = arguments->options;
  command->add_option("ADDRESS:PORT", arguments->to, "of the server or of a Service; [::1]:80")
      ->required();
  command
      ->add_option("--traffic", arguments->traffic,
                   "connections, reset-connections, connects, requests, stream, datagrams or "
                   "udp-requests")
      ->capture_default_str();
  command->add_option("--seconds", options.seconds, "how long")->capture_default_str();
  command->add_option("--connections", options.connections, "of each thread, at a time")
      ->capture_default_str();
  command->add_option("--bytes", options.bytes, "of a request or datagram")->capture_default_str();
  CLI::Option* rate = command->add_option(
      "--rate", arguments->rate,
      "open loop: as many a second, answered or not; default: the next when the last was answered");
  add_threads(*command, options.threads, options.cpus);
  command->add_option(
      "--control", arguments->control,
      "where the server itself listens on TCP, if ADDRESS:PORT does not lead there");
  command->add_option("-o,--output", arguments->output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([arguments, rate, &exit_code] {
    exit_code = say(run_client(*arguments, rate->count() > 0));
  });
}

}  // namespace

Result<ServerAddress> parse_server_address(const std::string& text) {
  const auto colon = text.rfind(':');
  const bool has_brackets =
      text.starts_with('[') && colon != std::string::npos && colon > 1 && text[colon - 1] == ']';
  const std::string host =
      has_brackets ? text.substr(1, colon - 2) : text.substr(0, std::min(colon, text.size()));
  if (colon == std::string::npos || (!has_brackets && host.find(':') != std::string::npos))
    return invalid(fairlead::quoted(text) + " is not of the form 10.0.0.1:80 or [fd00::1]:80");
  TRY(const Ip address, parse_ip(host));
  if (has_brackets && address.is_v4())
    return invalid(fairlead::quoted(text) + ": brackets are for IPv6");
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, number);
  if (error != std::errc{} || rest != end)
    return invalid(fairlead::quoted(text) + ": the port is no number");
  TRY(const Port port, make_port(number));
  return ServerAddress{.address = address, .port = port};
}

void add_server_and_client(CLI::App& load, int& exit_code) {
  load.require_subcommand(1);
  add_server(load, exit_code);
  add_client(load, exit_code);
}

void add_load_command(CLI::App& parent, int& exit_code) {
  add_server_and_client(*parent.add_subcommand("load", "load generator: a server and its clients"),
                        exit_code);
}

}  // namespace fairlead::bench
