// Arguments -> a question to the agent -> its answer as asked for with -o.
#include "cli/bgp_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <memory>

#include "cli/admin_client.hpp"
#include "cli/output.hpp"

namespace fairlead::cli {
namespace {

namespace json = boost::json;

const json::array& array_at(const json::value& value, std::string_view name) {
  static const json::array kNone;
  const auto* found = value.is_object() ? value.as_object().if_contains(name) : nullptr;
  return found != nullptr && found->is_array() ? found->as_array() : kNone;
}

std::string joined(const json::array& texts, std::string_view between) {
  std::string all;
  for (const json::value& text : texts)
    all += (all.empty() ? "" : std::string(between)) +
           (text.is_string() ? std::string(text.as_string()) : "");
  return all;
}

/// "3d4h", "2h5m", "4m10s", "12s".
std::string duration(const std::string& seconds) {
  if (seconds.empty()) return "";
  const auto total = std::stoull(seconds);
  const auto days = total / 86'400, hours = total / 3'600 % 24, minutes = total / 60 % 60;
  if (days > 0) return fmt::format("{}d{}h", days, hours);
  if (hours > 0) return fmt::format("{}h{}m", hours, minutes);
  if (minutes > 0) return fmt::format("{}m{}s", minutes, total % 60);
  return fmt::format("{}s", total);
}

/// "5", or "5+2" where there are routes of both families.
std::string both(const json::value& row, const std::string& name) {
  const std::string v4 = text_at(row, name + ".ipv4"), v6 = text_at(row, name + ".ipv6");
  return v6 == "0" || v6.empty() ? v4 : v4 + "+" + v6;
}

struct Arguments {
  std::string socket = kDefaultSocket;
  std::string output = "table";
  std::string prefix;
};

std::shared_ptr<Arguments> add_arguments(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("--socket", arguments->socket, "the agent's admin socket")
      ->capture_default_str();
  command.add_option("-o,--output", arguments->output, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}));
  return arguments;
}

int show(const Result<json::value>& answer, const std::string& output,
         std::string (*view)(const json::value&)) {
  if (!answer) {
    fmt::print(stderr, "fairlead: {}\n", answer.error().doing);
    return 1;
  }
  if (output == "json")
    fmt::print("{}", to_pretty_json(*answer));
  else if (output == "yaml")
    fmt::print("{}", to_yaml(*answer));
  else
    fmt::print("{}", view(*answer));
  return 0;
}

std::string drain_view(const json::value& /*answer*/) {
  return "withdrawn: peers lead nothing here any more\n";
}

}  // namespace

std::string bgp_peers_view(const json::value& peers) {
  std::vector<std::vector<std::string>> rows{
      {"PEER", "ADDRESS", "AS", "STATE", "FOR", "RECEIVED", "ANNOUNCED", "BFD", "LAST ERROR"}};
  for (const auto& peer : array_at(peers, "peers"))
    rows.push_back({text_at(peer, "name"), text_at(peer, "address"), text_at(peer, "as"),
                    text_at(peer, "state"), duration(text_at(peer, "stateSeconds")),
                    both(peer, "received"), both(peer, "announced"), text_at(peer, "bfd"),
                    text_at(peer, "lastError")});
  return to_table(rows);
}

std::string bgp_routes_view(const json::value& routes) {
  std::vector<std::vector<std::string>> rows{
      {"", "PREFIX", "PEER", "NEXT HOP", "AS PATH", "ORIGIN", "LOCAL PREF", "MED", "COMMUNITIES"}};
  for (const auto& route : array_at(routes, "routes")) {
    for (const auto& path : array_at(route, "paths")) {
      // > is told to others, * is used, S is stale.
      std::string marks = text_at(path, "best") == "true" ? ">" : "";
      if (text_at(path, "used") == "true") marks += "*";
      if (text_at(path, "stale") == "true") marks += "S";
      const std::string peer = text_at(path, "peer");
      rows.push_back({marks, text_at(route, "prefix"), peer.empty() ? "(own)" : peer,
                      joined(array_at(path, "nextHops"), ","), text_at(path, "asPath"),
                      text_at(path, "origin"), text_at(path, "localPreference"),
                      text_at(path, "med"), joined(array_at(path, "communities"), ",")});
    }
  }
  return to_table(rows);
}

void add_bgp_command(CLI::App& app, int& exit_code) {
  CLI::App* bgp = app.add_subcommand("bgp", "What this node's BGP speaker knows");
  bgp->require_subcommand(1);

  CLI::App* peers = bgp->add_subcommand("peers", "With whom it speaks");
  const auto for_peers = add_arguments(*peers);
  peers->callback([=, &exit_code] {
    exit_code =
        show(ask_agent(for_peers->socket, "/v1/bgp/peers"), for_peers->output, &bgp_peers_view);
  });

  CLI::App* routes =
      bgp->add_subcommand("routes", "All paths: > told to others, * used, S kept for a peer");
  const auto for_routes = add_arguments(*routes);
  routes->add_option("prefix", for_routes->prefix, "one alone: 10.244.1.0/24");
  routes->callback([=, &exit_code] {
    const std::string query = for_routes->prefix.empty() ? "" : "?prefix=" + for_routes->prefix;
    exit_code = show(ask_agent(for_routes->socket, "/v1/bgp/routes" + query), for_routes->output,
                     &bgp_routes_view);
  });

  CLI::App* drain = bgp->add_subcommand(
      "drain", "Withdraw all that this node announces, before its agent is stopped");
  const auto for_drain = add_arguments(*drain);
  drain->callback([=, &exit_code] {
    exit_code =
        show(order_agent(for_drain->socket, "/v1/bgp/drain"), for_drain->output, &drain_view);
  });
}

}  // namespace fairlead::cli
