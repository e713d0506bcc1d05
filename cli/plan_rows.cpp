// Plan -> JSON rows -> table.
#include "cli/plan_rows.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "model/plan_names.hpp"

namespace fairlead::cli {
namespace {

namespace json = boost::json;

/// Where the NodePorts of a family are open.
json::array node_addresses(const NodeSettings& settings, Family family, const Node* self) {
  const auto mode = family == Family::kIpv4 ? settings.node_ports_v4 : settings.node_ports_v6;
  const bool is_listed = mode == NodeSettings::NodePorts::kListed;
  json::array texts;
  if (!is_listed && self == nullptr) return texts;
  for (const Ip& ip : is_listed ? settings.node_port_addresses : self->addresses) {
    if (ip.family() == family) texts.emplace_back(to_string(ip));
  }
  return texts;
}

json::array backends_of(const ServicePlan& service, const Verdict& verdict) {
  json::array list;
  if (verdict.action != Action::kForward) return list;
  for (const Backend& backend : service.backends(verdict.group)) {
    list.push_back(json::object{{"address", to_string(backend.address)},
                                {"port", backend.port.host},
                                {"local", backend.local},
                                {"state", name_of(backend.state)}});
  }
  return list;
}

struct Context {
  const NodeSettings& settings;
  const Node* self;
};

json::object row(const ServicePlan& service, const Frontend& frontend, Scope scope,
                 const Context& context) {
  const Verdict& verdict = frontend.verdict(scope);
  const bool is_node_port = frontend.kind == FrontendKind::kNodePort;
  json::array ranges;
  for (const Cidr& range : frontend.source_ranges) ranges.emplace_back(to_string(range));
  json::object result{
      {"service", to_string(service.name)},
      {"address", is_node_port ? "" : to_string(frontend.address)},
      {"port", frontend.port.host},
      {"protocol", to_string(service.name.protocol)},
      {"kind", name_of(frontend.kind)},
      {"scope", name_of(scope)},
      {"action", name_of(verdict.action)},
      {"masquerade", verdict.masquerade},
      {"affinitySeconds", service.affinity.count()},
      {"sourceRanges", std::move(ranges)},
      {"backends", backends_of(service, verdict)},
  };
  if (is_node_port) {
    result["nodeAddresses"] = node_addresses(context.settings, service.name.family, context.self);
  }
  return result;
}

struct SortedRow {
  // Of a NodePort in two families only the last tells which row is whose.
  std::tuple<std::string, std::uint16_t, std::string_view, std::string_view, Family> key;
  json::object row;
};

std::string joined(const json::array& texts) {
  std::string result;
  for (const auto& text : texts) {
    result += (result.empty() ? "" : ",") + std::string(std::string_view(text.as_string()));
  }
  return result;
}

std::string backends_cell(const json::array& backends) {
  constexpr std::size_t kShown = 4;
  std::string cell;
  for (std::size_t i = 0; i < std::min(backends.size(), kShown); ++i) {
    const auto& backend = backends[i].as_object();
    const std::string address(std::string_view(backend.at("address").as_string()));
    const bool is_v6 = address.find(':') != std::string::npos;
    cell += (i == 0 ? "" : " ") + (is_v6 ? '[' + address + ']' : address) + ':' +
            std::to_string(backend.at("port").to_number<int>());
    if (backend.at("local").as_bool()) cell += "(local)";
    if (backend.at("state").as_string() == "terminating") cell += "(terminating)";
  }
  if (backends.size() > kShown) cell += " +" + std::to_string(backends.size() - kShown);
  return cell;
}

}  // namespace

json::object plan_to_json(const Plan& plan, const std::string& node_name, const Node* self) {
  const Context context{plan.node, self};
  std::vector<SortedRow> rows;
  for (const auto& [name, services] : plan.services) {
    for (const ServicePlan& service : services) {
      for (const Frontend& frontend : service.frontends) {
        const std::string address =
            frontend.kind == FrontendKind::kNodePort ? "" : to_string(frontend.address);
        for (const Scope scope : kScopes) {
          rows.push_back({{address, frontend.port.host, to_string(service.name.protocol),
                           name_of(scope), service.name.family},
                          row(service, frontend, scope, context)});
        }
      }
    }
  }
  std::sort(rows.begin(), rows.end(),
            [](const SortedRow& a, const SortedRow& b) { return a.key < b.key; });
  json::array frontends;
  frontends.reserve(rows.size());
  for (SortedRow& sorted : rows) frontends.push_back(std::move(sorted.row));
  return {{"node", node_name}, {"frontends", std::move(frontends)}};
}

std::vector<std::vector<std::string>> plan_to_table(const json::object& plan) {
  std::vector<std::vector<std::string>> rows{{"ADDRESS", "PORT", "PROTOCOL", "SCOPE", "SERVICE",
                                              "KIND", "ACTION", "MASQUERADE", "AFFINITY", "SOURCES",
                                              "BACKENDS"}};
  const auto text = [](const json::value& value) {
    return std::string(std::string_view(value.as_string()));
  };
  for (const auto& frontend : plan.at("frontends").as_array()) {
    const auto& row = frontend.as_object();
    const auto* node_addresses = row.if_contains("nodeAddresses");
    const auto affinity = row.at("affinitySeconds").to_number<std::int64_t>();
    rows.push_back({
        node_addresses == nullptr ? text(row.at("address")) : joined(node_addresses->as_array()),
        std::to_string(row.at("port").to_number<int>()),
        text(row.at("protocol")),
        text(row.at("scope")),
        text(row.at("service")),
        text(row.at("kind")),
        text(row.at("action")),
        row.at("masquerade").as_bool() ? "yes" : "no",
        affinity == 0 ? "-" : std::to_string(affinity) + "s",
        row.at("sourceRanges").as_array().empty() ? "all"
                                                  : joined(row.at("sourceRanges").as_array()),
        backends_cell(row.at("backends").as_array()),
    });
  }
  return rows;
}

}  // namespace fairlead::cli
