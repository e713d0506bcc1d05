// Which members of an answer a person wants to see, and in which order.
#include "cli/views.hpp"

#include <fmt/format.h>

#include "cli/output.hpp"

namespace fairlead::cli {
namespace {

namespace json = boost::json;

const json::array& array_at(const json::value& value, std::string_view name) {
  static const json::array kNone;
  const auto* found = value.is_object() ? value.as_object().if_contains(name) : nullptr;
  return found != nullptr && found->is_array() ? found->as_array() : kNone;
}

std::string address_and_port(const json::value& row) {
  const std::string address = text_at(row, "address");
  const bool is_v6 = address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address.empty() ? "*" : address,
                     is_v6 ? "]" : "", text_at(row, "port"));
}

/// "forward", or one word a scope where they differ.
std::string actions(const json::value& frontend) {
  const std::string internal = text_at(frontend, "internal.action");
  const std::string host = text_at(frontend, "host.action");
  const std::string external = text_at(frontend, "external.action");
  if (internal == host && host == external) return internal;
  return fmt::format("internal={},host={},external={}", internal, host, external);
}

/// Tables with how full they are, then what was counted, without what never happened.
std::string figures_view(const json::value& status) {
  if (!status.is_object() || !status.as_object().contains("figures")) return "";
  const json::value& figures = status.as_object().at("figures");
  std::vector<std::vector<std::string>> tables{{"TABLE", "USED", "CAPACITY", "PERCENT", "KIB"}};
  for (const auto& table : array_at(figures, "tables")) {
    const double percent = table.at("percent").to_number<double>();
    const auto bytes = table.at("bytes").to_number<std::uint64_t>();
    const std::string kib = fmt::format("{}", bytes / 1024);
    if (text_at(table, "capacity") == "0")  // nothing that could be full
      tables.push_back({text_at(table, "table"), "-", "-", "-", kib});
    else
      tables.push_back({text_at(table, "table"), text_at(table, "used"), text_at(table, "capacity"),
                        fmt::format("{:.1f}", percent), kib});
  }
  std::vector<std::vector<std::string>> events{{"EVENT", "REASON", "COUNT"}};
  for (const auto& event : array_at(figures, "events")) {
    if (text_at(event, "count") != "0")
      events.push_back(
          {text_at(event, "event"), text_at(event, "reason"), text_at(event, "count")});
  }
  std::string out;
  if (tables.size() > 1) out += "\n" + to_table(tables);
  if (events.size() > 1) out += "\n" + to_table(events);
  return out;
}

std::string layer2_view(const json::value& status) {
  if (!status.is_object() || !status.as_object().contains("layer2")) return "";
  std::vector<std::vector<std::string>> rows{
      {"LOAD BALANCER ADDRESS", "ANSWERED HERE", "RANK", "FIRST", "INTERFACE", "OTHER"}};
  for (const auto& row : array_at(status.as_object().at("layer2"), "addresses")) {
    rows.push_back({text_at(row, "address"), text_at(row, "held"), text_at(row, "rank"),
                    text_at(row, "first"), text_at(row, "interface"), text_at(row, "other")});
  }
  return "\n" + to_table(rows);
}

}  // namespace

std::string status_view(const json::value& status) {
  std::vector<std::vector<std::string>> rows{
      {"Node", text_at(status, "node")},
      {"Version", fmt::format("{} ({})", text_at(status, "version"), text_at(status, "commit"))},
      {"Running since",
       fmt::format("{} (pid {})", text_at(status, "started"), text_at(status, "pid"))},
      {"Datapath", text_at(status, "datapath")},
      {"Ready", text_at(status, "ready")},
      {"API server", text_at(status, "apiServer.server")},
      {"Programmed",
       fmt::format("{} Services, {} frontends, {} backends", text_at(status, "programmed.services"),
                   text_at(status, "programmed.frontends"),
                   text_at(status, "programmed.backends"))},
      {"Last sync", text_at(status, "sync.lastSuccess")},
      {"Syncs", fmt::format("{}, {} of them compared with the kernel, {} failed",
                            text_at(status, "sync.syncs"), text_at(status, "sync.resyncs"),
                            text_at(status, "sync.failures"))},
      {"Changed by others", fmt::format("{} times", text_at(status, "sync.foreignChanges"))}};
  if (const auto error = text_at(status, "sync.lastError"); !error.empty())
    rows.push_back({"Sync error", error});
  if (!text_at(status, "bgp.as").empty())
    rows.push_back(
        {"BGP", fmt::format("AS {}, {} of {} sessions established, {} prefixes "
                            "announced, {} learned routes in the kernel",
                            text_at(status, "bgp.as"), text_at(status, "bgp.established"),
                            text_at(status, "bgp.peers"), text_at(status, "bgp.announcedPrefixes"),
                            text_at(status, "bgp.routes.inKernel"))});
  std::string out = to_table(rows) + "\n";

  std::vector<std::vector<std::string>> watches{
      {"RESOURCE", "STATE", "OBJECTS", "EVENTS", "ERRORS", "LAST ERROR"}};
  if (status.is_object() && status.as_object().contains("apiServer")) {
    for (const auto& watch : array_at(status.as_object().at("apiServer"), "watches")) {
      watches.push_back({text_at(watch, "resource"), text_at(watch, "state"),
                         text_at(watch, "objects"), text_at(watch, "events"),
                         text_at(watch, "errors"), text_at(watch, "lastError")});
    }
  }
  out += to_table(watches);

  out += figures_view(status);
  out += layer2_view(status);

  std::vector<std::vector<std::string>> problems{{"OBJECT", "FIELD", "PROBLEM"}};
  for (const auto& problem : array_at(status, "problems")) {
    problems.push_back(
        {text_at(problem, "object"), text_at(problem, "field"), text_at(problem, "message")});
  }
  return problems.size() == 1 ? out : out + "\n" + to_table(problems);
}

std::string drops_view(const json::value& drops) {
  std::vector<std::vector<std::string>> rows{
      {"TIME", "PROTOCOL", "SOURCE", "DESTINATION", "REASON", "HOOK", "INTERFACE", "NOT SHOWN"}};
  for (const auto& drop : array_at(drops, "drops")) {
    rows.push_back({text_at(drop, "time"), text_at(drop, "protocol"), text_at(drop, "source"),
                    text_at(drop, "destination"), text_at(drop, "reason"), text_at(drop, "hook"),
                    text_at(drop, "interface"), text_at(drop, "suppressed")});
  }
  return to_table(rows);
}

std::string services_view(const json::value& services) {
  std::vector<std::vector<std::string>> rows{
      {"SERVICE", "KIND", "FRONTEND", "PROTOCOL", "ACTION", "BACKENDS"}};
  constexpr std::size_t kShown = 3;
  for (const auto& service : array_at(services, "services")) {
    const auto& backends = array_at(service, "backends");
    std::string shown;
    for (std::size_t i = 0; i < backends.size() && i < kShown; ++i) {
      shown += (i == 0 ? "" : ",") + address_and_port(backends[i]);
    }
    if (backends.size() > kShown) shown += fmt::format(" and {} more", backends.size() - kShown);
    for (const auto& frontend : array_at(service, "frontends")) {
      rows.push_back({text_at(service, "service"), text_at(frontend, "kind"),
                      address_and_port(frontend), text_at(service, "protocol"), actions(frontend),
                      backends.empty() ? "<none>" : shown});
    }
  }
  return to_table(rows);
}

std::string explain_view(const json::value& explanation) {
  std::string out =
      fmt::format("{}: {}\n", text_at(explanation, "packet"), text_at(explanation, "outcome"));
  for (const auto& reason : array_at(explanation, "reasons")) {
    out += fmt::format("  - {}\n", reason.is_string() ? std::string(reason.as_string()) : "");
  }
  for (const auto& backend : array_at(explanation, "backends")) {
    out += fmt::format("  -> {}{}{}\n", address_and_port(backend),
                       text_at(backend, "local") == "true" ? " on this node" : "",
                       text_at(backend, "state") == "terminating" ? ", terminating" : "");
  }
  if (explanation.is_object() && explanation.as_object().contains("kernel")) {
    const json::value& kernel = explanation.as_object().at("kernel");
    out += "in the kernel:\n";
    for (const auto& decision : array_at(kernel, "decisions"))
      out += fmt::format("  - {}\n", decision.is_string() ? std::string(decision.as_string()) : "");
    if (const auto backend = text_at(kernel, "backend"); !backend.empty())
      out += fmt::format("  -> {}\n", backend);
    if (const auto error = text_at(kernel, "error"); !error.empty())
      out += fmt::format("  - cannot be asked: {}\n", error);
  }
  return out;
}

}  // namespace fairlead::cli
