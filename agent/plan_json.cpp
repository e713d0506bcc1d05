// Plan -> JSON, with the words that `fairlead plan` uses too.
#include "agent/plan_json.hpp"

#include <algorithm>
#include <boost/json/object.hpp>

namespace fairlead {
namespace {

namespace json = boost::json;

json::object frontend_json(const Frontend& frontend) {
  json::object row{
      {"kind", name_of(frontend.kind)},
      {"address", frontend.kind == FrontendKind::kNodePort ? "" : to_string(frontend.address)},
      {"port", frontend.port.host}};
  for (const Scope scope : kScopes) {
    const Verdict& verdict = frontend.verdict(scope);
    json::object decided{{"action", name_of(verdict.action)}};
    if (verdict.action == Action::kForward) {
      decided["policy"] = verdict.group == BackendGroup::kLocal ? "Local" : "Cluster";
      decided["masquerade"] = verdict.masquerade;
    }
    row[name_of(scope)] = std::move(decided);
  }
  json::array ranges;
  for (const Cidr& range : frontend.source_ranges) ranges.emplace_back(to_string(range));
  row["sourceRanges"] = std::move(ranges);
  return row;
}

/// Each backend once, whichever choice it belongs to.
std::vector<Backend> all_backends(const ServicePlan& port) {
  std::vector<Backend> all;
  std::ranges::set_union(port.cluster_backends, port.local_backends, std::back_inserter(all));
  return all;
}

}  // namespace

json::array backends_json(const std::vector<Backend>& backends) {
  json::array rows;
  for (const Backend& backend : backends) {
    rows.push_back(json::object{{"address", to_string(backend.address)},
                                {"port", backend.port.host},
                                {"local", backend.local},
                                {"state", name_of(backend.state)}});
  }
  return rows;
}

json::array services_json(const Plan& plan) {
  json::array rows;
  for (const auto& [name, ports] : plan.services) {
    for (const ServicePlan& port : ports) {
      json::array frontends;
      for (const Frontend& frontend : port.frontends) frontends.push_back(frontend_json(frontend));
      rows.push_back(json::object{{"service", to_string(port.name)},
                                  {"protocol", to_string(port.name.protocol)},
                                  {"family", port.name.family == Family::kIpv4 ? "IPv4" : "IPv6"},
                                  {"affinitySeconds", port.affinity.count()},
                                  {"frontends", std::move(frontends)},
                                  {"backends", backends_json(all_backends(port))}});
    }
  }
  return rows;
}

}  // namespace fairlead
