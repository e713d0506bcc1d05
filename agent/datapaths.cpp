// A table of factories.
#include "agent/datapaths.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/nftables/datapath.hpp"

namespace fairlead {
namespace {

using Report = std::function<void(const Error&)>;

struct Entry {
  std::string_view name;
  Result<std::unique_ptr<Datapath>> (*open)(const AgentConfig& config, const Report& report);
  /// Before it serves; not where it is only cleaned up.
  Result<> (*prepare)(const AgentConfig& config, const Report& report);
};

Result<std::unique_ptr<Datapath>> open_nftables(const AgentConfig&, const Report& report) {
  return nftables::make_datapath({.report = report});
}
Result<> prepare_nothing(const AgentConfig&, const Report&) { return {}; }

ebpf::Options ebpf_options(const AgentConfig& config, const Report& report) {
  ebpf::Options options;
  options.pin_directory = config.pin_directory;
  options.cgroup = config.cgroup;
  options.xdp = config.ebpf_xdp;
  options.forward_by_stack = config.ebpf_forwarding == Forwarding::kStack;
  options.flows_v4 = config.ebpf_flows;
  options.flows_v6 = config.ebpf_flows_v6;
  options.records = config.ebpf_records;
  options.frontends = config.ebpf_frontends;
  options.affinities = config.ebpf_affinities;
  options.snat_ports = config.ebpf_snat_ports;
  options.skip_interfaces = config.ebpf_skip_interfaces;
  options.report = report;
  return options;
}
Result<std::unique_ptr<Datapath>> open_ebpf(const AgentConfig& config, const Report& report) {
  return ebpf::make_datapath(ebpf_options(config, report));
}
Result<> prepare_ebpf(const AgentConfig& config, const Report& report) {
  return ebpf::prepare_node(ebpf_options(config, report));
}

constexpr Entry kDatapaths[] = {{"ebpf", &open_ebpf, &prepare_ebpf},
                                {"nftables", &open_nftables, &prepare_nothing}};

}  // namespace

std::vector<std::string_view> datapath_names() {
  std::vector<std::string_view> names;
  for (const Entry& entry : kDatapaths) names.push_back(entry.name);
  return names;
}

Result<std::unique_ptr<Datapath>> open_datapath(const AgentConfig& config, const Report& report) {
  std::string refused;
  for (const Entry& entry : kDatapaths) {
    if (config.datapath != "auto" && config.datapath != entry.name) continue;
    auto opened = entry.open(config, report);
    if (opened)
      if (auto ready = entry.prepare(config, report); !ready)
        opened = tl::unexpected(std::move(ready).error());
    if (opened) return opened;
    refused += fmt::format("{}datapath {}: {}", refused.empty() ? "" : "; ", entry.name,
                           opened.error().doing);
    if (config.datapath == entry.name) return tl::unexpected(Error{opened.error().code, refused});
  }
  return invalid(refused.empty() ? fmt::format("datapath {} is not compiled in", config.datapath)
                                 : refused);
}

std::vector<std::unique_ptr<Datapath>> open_former_datapaths(const AgentConfig& config,
                                                             std::string_view in_use,
                                                             const Report& report,
                                                             std::vector<std::string>& refused) {
  std::vector<std::unique_ptr<Datapath>> former;
  for (const Entry& entry : kDatapaths) {
    if (entry.name == in_use) continue;
    auto opened = entry.open(config, report);
    if (opened)
      former.push_back(std::move(*opened));
    else
      refused.push_back(fmt::format("datapath {}: {}", entry.name, opened.error().doing));
  }
  return former;
}

/// One that does not run here has left nothing: that is an error only of the one that was asked
/// for, or of all.
Result<> clean_up_datapaths(const AgentConfig& config, const Report& report) {
  Result<> outcome;
  bool any_runs = false;
  const auto keep_first = [&](std::string_view name, Error error) {
    if (outcome) outcome = prefix(fmt::format("datapath {}", name), std::move(error));
  };
  std::vector<std::pair<std::string_view, Error>> refused;
  for (const Entry& entry : kDatapaths) {
    auto opened = entry.open(config, report);
    if (!opened) {
      refused.emplace_back(entry.name, std::move(opened).error());
      continue;
    }
    any_runs = true;
    if (auto cleaned = (*opened)->cleanup(); !cleaned)
      keep_first(entry.name, std::move(cleaned).error());
  }
  for (auto& [name, error] : refused)
    if (name == config.datapath || !any_runs)
      keep_first(name, std::move(error));
    else
      report(prefix(fmt::format("datapath {} was not cleaned up", name), std::move(error)).value());
  return outcome;
}

}  // namespace fairlead
