// Programs Services into the network namespace that it is called in, and leaves them there.
//
//   install nftables|ebpf --services N --endpoints M --node ADDRESS --backend ADDRESS... [--udp]
//   [--pins DIR --cgroup DIR]
//
// The first of the Services is the measured one: ClusterIP 11.255.0.1:80, NodePort 30080, pods on
// port 8080; it comes last in the order of names. `--cleanup` instead takes everything away.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bench/support/datapaths.hpp"
#include "bench/support/measure.hpp"
#include "bench/support/services.hpp"

namespace fairlead::bench {
namespace {

template <class T>
T checked(Result<T> result) {
  if (!result) fail(result.error().doing);
  return *std::move(result);
}

struct Arguments {
  DatapathChoice datapath;
  std::uint32_t services = 1, endpoints = 1;
  std::string node;
  std::vector<std::string> backends;
  bool udp = false, cleanup = false;
};

Plan plan_for(const Arguments& arguments) {
  Plan plan = plan_of(arguments.services - 1, arguments.endpoints);
  Measured measured{checked(parse_ip("11.255.0.1")), {80}, {30080}, {}};
  if (arguments.udp) measured.protocol = Protocol::kUdp;
  for (const std::string& text : arguments.backends)
    measured.backends.push_back({checked(parse_ip(text)), {8080}, true, BackendState::kActive});
  add(plan, measured_service(measured));
  plan.node.detect_local = {DetectLocal::Mode::kCidr, {checked(parse_cidr("10.244.0.0/16"))}, {}};
  plan.node.node_port_addresses = {checked(parse_ip(arguments.node))};
  return plan;
}

void run(const Arguments& arguments) {
  const auto datapath = make_datapath(arguments.datapath);
  if (arguments.cleanup) {
    if (const auto done = datapath->cleanup(); !done) fail(done.error().doing);
    return;
  }
  if (const auto done = datapath->resync(plan_for(arguments)); !done) fail(done.error().doing);
}

}  // namespace
}  // namespace fairlead::bench

int main(int argc, char** argv) {
  using namespace fairlead::bench;
  CLI::App app("Programs Services into this network namespace");
  Arguments arguments;
  app.add_option("datapath", arguments.datapath.name, "nftables or ebpf")->required();
  app.add_option("--services", arguments.services)->check(CLI::PositiveNumber);
  app.add_option("--endpoints", arguments.endpoints, "of each Service but the measured one");
  app.add_option("--node", arguments.node, "address where NodePorts are open");
  app.add_option("--backend", arguments.backends, "pods of the measured Service");
  app.add_option("--pins", arguments.datapath.pin_directory, "on a bpffs");
  app.add_option("--cgroup", arguments.datapath.cgroup, "whose sockets are translated");
  app.add_flag("--udp", arguments.udp, "the measured Service is one of UDP");
  app.add_flag("--cleanup", arguments.cleanup);
  CLI11_PARSE(app, argc, argv);
  run(arguments);
  return 0;
}
