// watch-cluster KUBECONFIG: prints a line for each thing that a ClusterWatch tells, until
// SIGTERM.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>

#include "controlplane-client/cluster_watch.hpp"

namespace fairlead::client {
namespace {

struct Printer final : ClusterSink {
  void service(Service service) override {
    std::cout << "service " << to_string(service.name) << " ports " << service.ports.size();
    for (const Ip& ip : service.cluster_ips) std::cout << ' ' << to_string(ip);
    std::cout << std::endl;
  }
  void service_gone(const ObjectName& name) override {
    std::cout << "service_gone " << to_string(name) << std::endl;
  }
  void slice(EndpointSlice slice) override {
    std::cout << "slice " << to_string(slice.name) << " of " << slice.service << " endpoints";
    for (const Endpoint& endpoint : slice.endpoints)
      std::cout << ' ' << to_string(endpoint.address);
    std::cout << std::endl;
  }
  void slice_gone(const ObjectName& name) override {
    std::cout << "slice_gone " << to_string(name) << std::endl;
  }
  void node(Node node) override {
    std::cout << "node " << node.name << " zone " << node.zone << std::endl;
  }
  void node_gone(const std::string& name) override {
    std::cout << "node_gone " << name << std::endl;
  }
  void synced(Resource resource) override {
    std::cout << "synced " << to_string(resource) << std::endl;
  }
  void problem(const Problem& problem, Severity severity) override {
    std::cout << (severity == Severity::kError ? "error " : "warning ") << problem.object << ": "
              << problem.field << ": " << problem.message << std::endl;
  }
  void problem_gone(const std::string& object) override {
    std::cout << "well " << object << std::endl;
  }
};

int run(const std::string& kubeconfig) {
  auto config = load_kubeconfig({kubeconfig});
  if (!config) {
    std::cerr << config.error().doing << std::endl;
    return 1;
  }
  boost::asio::io_context io(1);
  Printer printer;
  ClusterWatchOptions options;
  options.config = *std::move(config);
  ClusterWatch watch(io.get_executor(), std::move(options), printer);
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&watch](const boost::system::error_code&, int) { watch.stop(); });
  watch.start();
  io.run();
  std::cout << "stopped; EndpointSlices were " << watch.endpoint_slice_version() << std::endl;
  return 0;
}

}  // namespace
}  // namespace fairlead::client

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: watch-cluster KUBECONFIG" << std::endl;
    return 2;
  }
  return fairlead::client::run(argv[1]);
}
