// flags -> PlanOptions; files -> Snapshot; plan() -> rows on standard output, problems on standard
// error.
#include "cli/plan_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "cli/plan_input.hpp"
#include "cli/plan_rows.hpp"
#include "dataplane/plan/plan.hpp"

namespace fairlead::cli {
namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string node;
  std::string output = "table";
  std::string detect_local = "ClusterCIDR";
  std::vector<std::string> cluster_cidrs, service_cidrs, node_port_addresses, allowed_external_ips;
  bool limits_external_ips = false;
  bool masquerade_all = false;
};

Result<std::vector<Cidr>> parse_cidrs(std::string_view flag,
                                      const std::vector<std::string>& texts) {
  std::vector<Cidr> cidrs;
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    auto cidr = parse_cidr(text);
    if (!cidr) return prefix(flag, cidr.error());
    cidrs.push_back(*cidr);
  }
  return cidrs;
}

Result<std::vector<Cidr>> parse_node_port_addresses(const std::vector<std::string>& texts) {
  if (texts == std::vector<std::string>{"primary"}) return {};
  if (texts == std::vector<std::string>{"all"}) return parse_cidrs("", {"0.0.0.0/0", "::/0"});
  return parse_cidrs("--nodeport-addresses", texts);
}

/// The rows say what holds for local pods, so that there must be a way to tell them, whatever it
/// is: where neither a flag nor a Node says what the pods' ranges are, the customary ones stand in.
std::vector<Cidr> guess_cluster_cidrs(const Snapshot& cluster) {
  std::vector<Cidr> cidrs;
  for (const auto& [name, node] : cluster.nodes) {
    cidrs.insert(cidrs.end(), node.pod_cidrs.begin(), node.pod_cidrs.end());
  }
  for (const auto* customary : {"10.244.0.0/16", "fd00:244::/48"}) {
    const Cidr cidr = parse_cidr(customary).value();
    const bool is_known = std::any_of(cidrs.begin(), cidrs.end(), [&](const Cidr& other) {
      return other.family() == cidr.family();
    });
    if (!is_known) cidrs.push_back(cidr);
  }
  return cidrs;
}

/// The names are kube-proxy's; the flag's validator lets no other through.
DetectLocal detect_local(const Arguments& arguments, const std::vector<Cidr>& cluster_cidrs,
                         const Snapshot& cluster) {
  using Mode = DetectLocal::Mode;
  const std::string& mode = arguments.detect_local;
  if (mode == "BridgeInterface") return {Mode::kInterface, {}, ""};
  if (mode == "InterfaceNamePrefix") return {Mode::kInterfacePrefix, {}, ""};
  if (mode == "NodeCIDR") {
    const auto self = cluster.nodes.find(arguments.node);
    return {Mode::kCidr, self == cluster.nodes.end() ? std::vector<Cidr>() : self->second.pod_cidrs,
            ""};
  }
  if (mode == "None") return {};
  return {Mode::kCidr, cluster_cidrs.empty() ? guess_cluster_cidrs(cluster) : cluster_cidrs, ""};
}

Result<PlanOptions> plan_options(const Arguments& arguments, const Snapshot& cluster) {
  PlanOptions options;
  options.node = arguments.node;
  options.masquerade_all = arguments.masquerade_all;
  TRY(options.cluster_cidrs, parse_cidrs("--cluster-cidr", arguments.cluster_cidrs));
  options.detect_local = detect_local(arguments, options.cluster_cidrs, cluster);
  TRY(options.service_cidrs, parse_cidrs("--service-cidr", arguments.service_cidrs));
  TRY(options.node_port_cidrs, parse_node_port_addresses(arguments.node_port_addresses));
  const bool allows_none = arguments.allowed_external_ips == std::vector<std::string>{"none"};
  if (arguments.limits_external_ips && allows_none) options.allowed_external_ips.emplace();
  if (arguments.limits_external_ips && !allows_none) {
    TRY(options.allowed_external_ips,
        parse_cidrs("--allowed-external-ips", arguments.allowed_external_ips));
  }
  return options;
}

void print_problem(std::ostream& out, const Problem& problem) {
  std::string line;
  for (const std::string* part : {&problem.object, &problem.field, &problem.message}) {
    if (!part->empty()) line += (line.empty() ? "" : ": ") + *part;
  }
  out << line << '\n';
}

std::string format(const boost::json::object& plan, const std::string& format) {
  if (format == "json") return to_pretty_json(plan);
  if (format == "yaml") return to_yaml(plan);
  return to_table(plan_to_table(plan));
}

Result<> run(const Arguments& arguments, const PlanStreams& streams) {
  TRY(const PlanInput input, read_plan_input(arguments.files, streams.in));
  TRY(const PlanOptions options, plan_options(arguments, input.cluster));
  const auto found = input.cluster.nodes.find(arguments.node);
  const Node* self = found == input.cluster.nodes.end() ? nullptr : &found->second;
  if (self == nullptr) {
    print_problem(streams.err, {"Node " + arguments.node, "",
                                "not among the objects; planned without zone and addresses"});
  }
  const Plan planned = plan(input.cluster, options);
  for (const auto& problem : input.problems) print_problem(streams.err, problem);
  for (const auto& problem : planned.problems) print_problem(streams.err, problem);
  streams.out << format(plan_to_json(planned, arguments.node, self), arguments.output)
              << std::flush;
  if (!streams.out) return failure(std::make_error_code(std::errc::io_error), "write the plan");
  return {};
}

}  // namespace

PlanStreams standard_streams() { return {std::cin, std::cout, std::cerr}; }

void add_plan_command(CLI::App& app, int& exit_code, PlanStreams streams) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "plan", "What would the agent of a node do with these objects? Touches no kernel");
  command
      ->add_option("-f,--filename", arguments->files,
                   "Services, EndpointSlices and Nodes as YAML or JSON: files, directories, or - "
                   "for standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("--node", arguments->node, "the node that is planned for")
      ->required()
      ->type_name("NAME");
  command->add_option("-o,--output", arguments->output, "how to print it")
      ->check(CLI::IsMember({"json", "yaml", "table"}))
      ->capture_default_str()
      ->type_name("");
  command
      ->add_option("--detect-local-mode", arguments->detect_local,
                   "who is a local pod (scope internal)")
      ->check(CLI::IsMember(
          {"ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix", "None"}))
      ->capture_default_str()
      ->type_name("");
  const auto add_list = [&](const char* name, std::vector<std::string>& values, const char* help) {
    return command->add_option(name, values, help)->delimiter(',')->type_name("CIDR");
  };
  add_list("--cluster-cidr", arguments->cluster_cidrs,
           "the pods' ranges; a family without one has no local pods. Default: the podCIDRs of the "
           "Nodes given, else "
           "10.244.0.0/16 and fd00:244::/48");
  add_list("--service-cidr", arguments->service_cidrs,
           "the ClusterIPs' ranges; no external or load balancer's address may lie in them");
  add_list("--nodeport-addresses", arguments->node_port_addresses,
           "where NodePorts are open: ranges, 'primary' (default: the node's first address of each "
           "family) or 'all'");
  CLI::Option* external =
      add_list("--allowed-external-ips", arguments->allowed_external_ips,
               "ranges of the externalIPs that are served, or 'none'. Default: any");
  command->add_flag("--masquerade-all", arguments->masquerade_all,
                    "masquerade pods' connections to ClusterIPs too");
  command->callback([arguments, external, streams, &exit_code] {
    arguments->limits_external_ips = external->count() > 0;
    if (auto done = run(*arguments, streams); !done) {
      streams.err << "fairlead plan: " << done.error().doing << '\n';
      exit_code = 1;
    }
  });
}

}  // namespace fairlead::cli
