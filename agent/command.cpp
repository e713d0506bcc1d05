// Arguments -> ConfigBuilder -> AgentConfig -> one of: run, clean up, write the configuration, show
// the table of options.
#include "agent/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>

#include "agent/agent.hpp"
#include "agent/config_file.hpp"
#include "agent/datapaths.hpp"
#include "agent/options.hpp"

namespace fairlead {
namespace {

/// What CLI11 fills in.
struct Arguments {
  std::string config_file;
  std::string write_config_to;
  bool clean_up = false;
  bool init_only = false;
  bool show_version = false;
  bool options_markdown = false;
  std::map<std::string, std::string> flags;          // value as written
  std::map<std::string, const CLI::Option*> parsed;  // tells which were given
};

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && !file.eof()) return system_error(errno, path);
  return text;
}

Result<> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (!file) return system_error(errno, "write " + path);
  return {};
}

Result<AgentConfig> configure(const Arguments& arguments, std::vector<std::string>& warnings) {
  ConfigBuilder builder;
  if (!arguments.config_file.empty()) {
    TRY(const std::string text, read_file(arguments.config_file));
    TRY_VOID(builder.read_file(arguments.config_file, text));
  }
  for (const auto& [flag, value] : arguments.flags) {
    if (arguments.parsed.at(flag)->count() > 0) TRY_VOID(builder.set_flag(flag, value));
  }
  warnings = builder.warnings();
  return std::move(builder).finish(default_node_name());
}

/// Whether this kernel can do what the configuration asks for; for an init container, as
/// kube-proxy's --init-only.
Result<> check_node(const AgentConfig& config, const log::Logger& log) {
  TRY(const auto datapath, open_datapath(config, [](const Error&) {}));
  log.info("this node can run the agent", {{"datapath", datapath->name()}});
  return {};
}

Result<> run(const Arguments& arguments, const BuildInfo& build) {
  std::vector<std::string> warnings;
  TRY(const AgentConfig config, configure(arguments, warnings));
  if (!arguments.write_config_to.empty())
    return write_file(arguments.write_config_to, to_yaml(config));
  const log::Logger log({.format = config.log_format, .level = config.log_level});
  for (const std::string& warning : warnings) log.warn(warning);
  if (arguments.clean_up) return clean_up_node(config, log);
  if (arguments.init_only) return check_node(config, log);
  return run_agent(config, build, log);
}

int run_command(const Arguments& arguments, const BuildInfo& build) {
  if (arguments.show_version)
    return fmt::print("fairlead {} ({})\n", build.version, build.commit), 0;
  if (arguments.options_markdown) return fmt::print("{}", options_markdown()), 0;
  const Result<> outcome = run(arguments, build);
  if (outcome) return 0;
  fmt::print(stderr, "fairlead agent: {}\n", outcome.error().doing);
  return 1;
}

void add_flag(CLI::App& command, const Option& option, Arguments& arguments) {
  const std::string name(option.flag);
  const std::string dashes = name.size() == 1 ? "-" : "--";
  std::string& value = arguments.flags[name];
  // A bool may stand alone: --masquerade-all, --masquerade-all=false.
  CLI::Option* flag =
      option.shape == Shape::kBool
          ? command.add_flag(dashes + name + "{true}", value, std::string(option.help))
          : command.add_option(dashes + name + (name == "v" ? ",--v" : ""), value,
                               std::string(option.help));
  flag->group(option.support == Support::kFull ? "Options"
                                               : "Accepted from kube-proxy, without effect");
  arguments.parsed[name] = flag;
}

}  // namespace

void add_agent_command(CLI::App& app, const BuildInfo& build, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("agent", "Program this node's kernel with the cluster's Services");
  const auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("--config", arguments->config_file,
                   "an AgentConfiguration or a KubeProxyConfiguration; flags outweigh it")
      ->type_name("FILE");
  command
      ->add_option("--write-config-to", arguments->write_config_to,
                   "write the effective configuration and end")
      ->type_name("FILE");
  command->add_flag("--cleanup", arguments->clean_up,
                    "remove everything of ours from the kernel and end");
  command->add_flag("--init-only", arguments->init_only,
                    "check that this node can run the agent and end");
  command->add_flag("--version", arguments->show_version, "show the version and end");
  command->add_flag("--options-markdown", arguments->options_markdown,
                    "show docs/agent-options.md and end");
  for (const Option& option : options()) {
    if (!option.flag.empty()) add_flag(*command, option, *arguments);
  }
  command->callback([arguments, build, &exit_code] { exit_code = run_command(*arguments, build); });
}

}  // namespace fairlead
