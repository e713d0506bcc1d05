// fairlead-lab: the four programs of the lab in one executable.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "lab/echo.hpp"
#include "lab/flows.hpp"
#include "lab/load.hpp"

namespace fairlead::lab {
namespace {

Result<std::vector<Port>> make_ports(const std::vector<std::int64_t>& numbers) {
  std::vector<Port> ports;
  for (std::int64_t number : numbers) {
    TRY(auto port, make_port(number));
    ports.push_back(port);
  }
  return ports;
}

struct EchoArguments {
  EchoOptions options;
  std::vector<std::int64_t> tcp;
  std::vector<std::int64_t> udp;
};

CLI::App* add_echo(CLI::App& app, EchoArguments& arguments) {
  CLI::App* echo = app.add_subcommand("echo", "answer NAME CLIENT_IP CLIENT_PORT, then echo");
  echo->add_option("--name", arguments.options.name, "who answers")->required();
  echo->add_option("--tcp", arguments.tcp, "TCP port; may be repeated");
  echo->add_option("--udp", arguments.udp, "UDP port; may be repeated");
  return echo;
}

Result<bool> echo(EchoArguments& arguments) {
  TRY_VOID(raise_descriptor_limit());
  TRY(arguments.options.tcp, make_ports(arguments.tcp));
  TRY(arguments.options.udp, make_ports(arguments.udp));
  if (arguments.tcp.empty() && arguments.udp.empty()) return invalid("echo: give --tcp or --udp");
  TRY_VOID(run_echo(arguments.options));
  return true;
}

struct LoadArguments {
  LoadOptions options;
  std::string tcp;
  std::string udp;
  std::uint64_t count = 0;
  double duration = 0;
  double timeout = 5;
};

CLI::App* add_load(CLI::App& app, LoadArguments& arguments) {
  LoadOptions& options = arguments.options;
  CLI::App* load =
      app.add_subcommand("load", "open connections to an echo server and count every outcome");
  auto* target = load->add_option_group("target");
  target->add_option("--tcp", arguments.tcp, "ADDRESS:PORT");
  target->add_option("--udp", arguments.udp, "ADDRESS:PORT");
  target->require_option(1);
  load->add_option("--connections", options.connections, "at once, at most")->capture_default_str();
  load->add_option("--rate", options.rate, "new ones a second")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  load->add_option("--keep-open", options.keep_open, "long connections besides")
      ->capture_default_str();
  load->add_option("--timeout", arguments.timeout, "seconds for each answer")
      ->capture_default_str();
  load->add_option("--duration", arguments.duration, "end after so many seconds")
      ->check(CLI::PositiveNumber);
  load->add_option("--count", arguments.count, "end after so many connections")
      ->check(CLI::PositiveNumber);
  load->add_option("--until-file", options.until_file, "end when this file exists");
  return load;
}

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(seconds));
}

Result<bool> load(LoadArguments& arguments) {
  TRY_VOID(raise_descriptor_limit());
  LoadOptions& options = arguments.options;
  options.transport = arguments.udp.empty() ? Transport::kTcp : Transport::kUdp;
  TRY(options.target, parse_target(arguments.udp.empty() ? arguments.tcp : arguments.udp));
  options.timeout = milliseconds(arguments.timeout);
  if (arguments.duration > 0) options.duration = milliseconds(arguments.duration);
  if (arguments.count > 0) options.count = arguments.count;
  return run_load(options);
}

struct FlowsArguments {
  FlowsOptions options;
  std::string tcp;
  std::string udp;
  double pause = 0.25;
  double duration = 0;
  double timeout = 10;
};

CLI::App* add_flows(CLI::App& app, FlowsArguments& arguments) {
  FlowsOptions& options = arguments.options;
  CLI::App* flows = app.add_subcommand(
      "flows", "keep flows to an echo server talking, and check every byte that comes back");
  auto* target = flows->add_option_group("target");
  target->add_option("--tcp", arguments.tcp, "ADDRESS:PORT");
  target->add_option("--udp", arguments.udp, "ADDRESS:PORT");
  target->require_option(1);
  flows->add_option("--flows", options.flows, "how many")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  flows->add_option("--first-port", options.first_port, "flow N is sent from this port + N");
  flows->add_option("--chunk", options.chunk, "bytes that TCP sends at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  flows->add_option("--pause", arguments.pause, "seconds between two sends of a flow")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  flows->add_option("--timeout", arguments.timeout, "seconds until what does not return is lost")
      ->capture_default_str();
  flows->add_option("--duration", arguments.duration, "end after so many seconds")
      ->check(CLI::PositiveNumber);
  flows->add_option("--until-file", options.until_file, "end when this file exists");
  flows->add_option("--ready-file", options.ready_file, "made when every flow has been answered");
  return flows;
}

Result<bool> flows(FlowsArguments& arguments) {
  TRY_VOID(raise_descriptor_limit());
  FlowsOptions& options = arguments.options;
  options.transport = arguments.udp.empty() ? Transport::kTcp : Transport::kUdp;
  TRY(options.target, parse_target(arguments.udp.empty() ? arguments.tcp : arguments.udp));
  options.pause = milliseconds(arguments.pause);
  options.timeout = milliseconds(arguments.timeout);
  if (arguments.duration > 0) options.duration = milliseconds(arguments.duration);
  return run_flows(options);
}

struct AskArguments {
  std::string target;
  bool udp = false;
  double timeout = 3;
};

CLI::App* add_ask(CLI::App& app, AskArguments& arguments) {
  CLI::App* ask = app.add_subcommand("ask", "ask an echo server once and print its answer");
  ask->add_option("target", arguments.target, "ADDRESS:PORT")->required();
  ask->add_flag("--udp,!--tcp", arguments.udp, "by UDP (default: TCP)");
  ask->add_option("--timeout", arguments.timeout, "seconds")->capture_default_str();
  return ask;
}

Result<bool> ask(const AskArguments& arguments) {
  TRY(auto target, parse_target(arguments.target));
  TRY_VOID(run_ask(arguments.udp ? Transport::kUdp : Transport::kTcp, target,
                   milliseconds(arguments.timeout)));
  return true;
}

}  // namespace
}  // namespace fairlead::lab

int main(int argc, char** argv) {
  using namespace fairlead::lab;
  CLI::App app("The programs that run in Fairlead's lab");
  app.require_subcommand(1);
  EchoArguments echo_arguments;
  LoadArguments load_arguments;
  FlowsArguments flows_arguments;
  AskArguments ask_arguments;
  CLI::App* echo_command = add_echo(app, echo_arguments);
  CLI::App* load_command = add_load(app, load_arguments);
  CLI::App* flows_command = add_flows(app, flows_arguments);
  add_ask(app, ask_arguments);
  CLI11_PARSE(app, argc, argv);
  auto flawless = echo_command->parsed()    ? echo(echo_arguments)
                  : load_command->parsed()  ? load(load_arguments)
                  : flows_command->parsed() ? flows(flows_arguments)
                                            : ask(ask_arguments);
  if (!flawless) {
    fmt::print(stderr, "fairlead-lab: {}\n", flawless.error().doing);
    return 2;
  }
  return *flawless ? 0 : 1;
}
