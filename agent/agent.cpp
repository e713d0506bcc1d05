// The order of start: runtime directory and lock -> credentials -> datapath -> addresses -> parts
// -> run -> stop. Nothing is written to the kernel here; the first resync comes when everything was
// listed.
#include "agent/agent.hpp"

#include <malloc.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <filesystem>
#include <fstream>

#include "agent/bgp_parts.hpp"
#include "agent/datapaths.hpp"
#include "agent/layer2.hpp"
#include "agent/node_agent.hpp"
#include "agent/runtime_directory.hpp"
#include "dataplane/kernel/addresses.hpp"

namespace fairlead {
namespace {

std::function<void(const Error&)> warn_of(const log::Logger& log) {
  return [log](const Error& error) { log.warn("from the datapath", {{"error", error}}); };
}

Result<client::ClientConfig> find_api_server(const AgentConfig& config) {
  TRY(auto connection, client::find_config(config.kubeconfig, client::process_environment()));
  if (!config.server.empty()) connection.server = config.server;
  return connection;
}

Result<NodeAgent::Opened> open_parts(const AgentConfig& config, const BuildInfo& build,
                                     const log::Logger& log) {
  TRY(auto connection, find_api_server(config));
  TRY(auto datapath, open_datapath(config, warn_of(log)));
  std::vector<std::string> refused;
  auto former = open_former_datapaths(config, datapath->name(), warn_of(log), refused);
  for (const std::string& line : refused) log.debug("not usable here", {{"reason", line}});
  std::optional<PodNetwork::Opened> pod_network;
  if (config.pod_network != podnet::Mode::kNone) {
    TRY(pod_network, PodNetwork::open(config, log));
  }
  std::optional<bgp::BgpNode::Opened> bgp;
  if (config.speaks_bgp()) {
    TRY(bgp, open_bgp(config, connection, "fairlead/" + build.version));
  }
  std::unique_ptr<client::ApiClient> registrar_api;
  if (pod_network && config.register_pods) {
    TRY(registrar_api, client::ApiClient::create(connection, {}, "fairlead/" + build.version));
  }
  TRY(auto addresses, AddressMonitor::open());
  TRY(auto local_addresses, read_local_addresses());
  return NodeAgent::Opened{.datapath = std::move(datapath),
                           .former_datapaths = std::move(former),
                           .addresses = std::move(addresses),
                           .local_addresses = std::move(local_addresses),
                           .client = std::move(connection),
                           .pod_network = std::move(pod_network),
                           .registrar_api = std::move(registrar_api),
                           .bgp = std::move(bgp)};
}

/// The node's Services must outlive what makes memory short. Without the right to it the agent runs
/// on as it is.
void set_oom_score(std::int32_t adjustment, const log::Logger& log) {
  std::ofstream file("/proc/self/oom_score_adj");
  file << adjustment << std::flush;
  if (!file) log.warn("cannot set oom_score_adj", {{"value", adjustment}});
}

}  // namespace

Result<> run_agent(const AgentConfig& config, const BuildInfo& build, const log::Logger& log) {
  // One arena: the worker's garbage would else stay in an arena of its own.
  ::mallopt(M_ARENA_MAX, 1);
  // Large blocks go back to the kernel when they are freed; left alone, the C library would raise
  // this limit with the first of them.
  ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  TRY(const auto directory, RuntimeDirectory::claim(config.runtime_directory));
  TRY(auto opened, open_parts(config, build, log));
  set_oom_score(config.oom_score_adj, log);

  boost::asio::io_context io(1);
  NodeAgent agent(io, config, build, log, std::move(opened));
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int signal) {
    if (error) return;
    log.info("agent stops, the datapath stays", {{"signal", signal}});
    agent.stop();
  });
  TRY_VOID(agent.start(directory.socket_path()));
  io.run();
  if (agent.has_failed())
    return tl::unexpected(
        Error{std::make_error_code(std::errc::state_not_recoverable), "the agent failed"});
  return {};
}

Result<> clean_up_node(const AgentConfig& config, const log::Logger& log) {
  TRY(const auto directory, RuntimeDirectory::claim(config.runtime_directory));
  TRY_VOID(clean_up_datapaths(config, warn_of(log)));
  TRY_VOID(clean_up_pod_network(config, log));
  TRY_VOID(clean_up_bgp(config));
  TRY_VOID(clean_up_layer2(config.pin_directory));
  std::error_code ignored;
  std::filesystem::remove(directory.socket_path(), ignored);
  return {};
}

}  // namespace fairlead
