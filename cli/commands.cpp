// Arguments -> a question to the agent -> its answer as asked for with -o.
#include "cli/commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <memory>

#include "cli/admin_client.hpp"
#include "cli/explain_arguments.hpp"
#include "cli/output.hpp"
#include "cli/views.hpp"

namespace fairlead::cli {
namespace {

namespace json = boost::json;
using View = std::string (*)(const json::value&);

struct Arguments {
  std::string socket = kDefaultSocket;
  std::string output = "table";
  std::vector<std::string> packet;
};

void add_output(CLI::App& command, std::string& output) {
  command.add_option("-o,--output", output, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}));
}

std::string show(const json::value& answer, const std::string& output,
                 const std::function<std::string(const json::value&)>& view) {
  if (output == "json") return to_pretty_json(answer);
  if (output == "yaml") return to_yaml(answer);
  return view(answer);
}

int ask_and_show(const Arguments& arguments, const Result<std::string>& target, View view) {
  const auto answer =
      target.and_then([&](const std::string& path) { return ask_agent(arguments.socket, path); });
  if (!answer) {
    fmt::print(stderr, "fairlead: {}\n", answer.error().doing);
    return 1;
  }
  fmt::print("{}", show(*answer, arguments.output, view));
  return 0;
}

std::shared_ptr<Arguments> add_arguments(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("--socket", arguments->socket, "the agent's admin socket")
      ->capture_default_str();
  add_output(command, arguments->output);
  return arguments;
}

json::value version_json(const VersionInfo& info) {
  json::array features;
  for (const auto& feature : info.probe_features()) {
    features.push_back(json::object{
        {"name", feature.name}, {"available", feature.available}, {"detail", feature.detail}});
  }
  return json::object{{"version", info.version},
                      {"commit", info.commit},
                      {"datapaths", json::array(info.datapaths.begin(), info.datapaths.end())},
                      {"features", std::move(features)}};
}

std::string version_view(const json::value& version) {
  std::vector<std::vector<std::string>> rows{
      {"fairlead",
       fmt::format("{} ({})", text_at(version, "version"), text_at(version, "commit"))}};
  std::string datapaths;
  for (const auto& name : version.at("datapaths").as_array()) {
    datapaths += (datapaths.empty() ? "" : ", ") + std::string(name.as_string());
  }
  rows.push_back({"datapaths", datapaths});
  for (const auto& feature : version.at("features").as_array()) {
    const bool available = text_at(feature, "available") == "true";
    rows.push_back(
        {text_at(feature, "name"), (available ? "" : "no: ") + text_at(feature, "detail")});
  }
  return to_table(rows);
}

}  // namespace

void add_admin_commands(CLI::App& app, int& exit_code) {
  const auto add = [&](const char* name, const char* help, const char* target, View view) {
    CLI::App* command = app.add_subcommand(name, help);
    const auto arguments = add_arguments(*command);
    command->callback(
        [=, &exit_code] { exit_code = ask_and_show(*arguments, std::string(target), view); });
  };
  add("status", "How the agent of this node is doing", "/v1/status", &status_view);
  add("drops", "The last packets that this node dropped, and why", "/v1/drops", &drops_view);
  add("services", "What the agent of this node programs", "/v1/services", &services_view);

  CLI::App* explain = app.add_subcommand("explain", "Where a packet goes, and why");
  const auto arguments = add_arguments(*explain);
  explain
      ->add_option("packet", arguments->packet,
                   "SOURCE DESTINATION:PORT[/PROTOCOL], or '10.244.1.5 -> 10.96.0.10:80/TCP'")
      ->required();
  explain->callback([=, &exit_code] {
    exit_code = ask_and_show(*arguments, explain_target(arguments->packet), &explain_view);
  });
}

void add_version_command(CLI::App& app, VersionInfo info, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("version", "Version, datapaths, and what this kernel can do");
  const auto output = std::make_shared<std::string>("table");
  add_output(*command, *output);
  command->callback([=, info = std::move(info), &exit_code] {
    fmt::print("{}", show(version_json(info), *output, &version_view));
    exit_code = 0;
  });
}

}  // namespace fairlead::cli
