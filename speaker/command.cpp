// Arguments -> descriptors -> a Speaker that runs until its context is empty.
#include "speaker/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "speaker/speaker.hpp"

namespace fairlead::speaker {
namespace {

struct Arguments {
  int control = -1;
  std::vector<int> listeners;
  std::string log_format = "text", log_level = "info";
};

Result<> run(const Arguments& arguments) {
  TRY(const auto format, log::parse_format(arguments.log_format));
  TRY(const auto level, log::parse_level(arguments.log_level));
  const log::Logger log({.format = format, .level = level});
  boost::asio::io_context io(1);
  Speaker speaker(io, log);
  TRY_VOID(speaker.open(arguments.control, arguments.listeners));
  speaker.start();
  io.run();
  return {};
}

int run_command(const Arguments& arguments) {
  const Result<> outcome = run(arguments);
  if (outcome) return 0;
  fmt::print(stderr, "fairlead bgp-speaker: {}\n", outcome.error().doing);
  return 1;
}

}  // namespace

void add_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("bgp-speaker", "Speak BGP for an agent, which starts this by itself");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--control-fd", arguments->control, "the socket to the agent")
      ->type_name("FD")
      ->required();
  command
      ->add_option("--listen-fd", arguments->listeners,
                   "a TCP socket that is bound where peers connect; may be repeated")
      ->type_name("FD");
  command->add_option("--log-format", arguments->log_format, "text or json");
  command->add_option("--log-level", arguments->log_level, "debug, info, warn or error");
  command->callback([arguments, &exit_code] { exit_code = run_command(*arguments); });
}

}  // namespace fairlead::speaker
