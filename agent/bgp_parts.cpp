// Each option -> the place where it counts. The speaker's executable is this one.
#include "agent/bgp_parts.hpp"

#include <filesystem>
#include <random>

#include "agent/bgp/listeners.hpp"
#include "agent/option_values.hpp"

namespace fairlead {
namespace {

std::string marker(const AgentConfig& config) {
  return config.runtime_directory + "/bgp-has-forwarded";
}

std::uint32_t number_of(const Ip& v4) {
  std::uint32_t number = 0;
  for (std::size_t i = 12; i < v4.bytes.size(); ++i) number = number << 8U | v4.bytes[i];
  return number;
}

}  // namespace

Result<bgp::BgpNode::Opened> open_bgp(const AgentConfig& config,
                                      const client::ClientConfig& connection,
                                      const std::string& user_agent) {
  TRY(auto routes, bgp::RouteKeeper::open());
  TRY(auto listeners, bgp::open_listeners(config.bgp_addresses, config.bgp_port));
  TRY(auto api, client::ApiClient::create(connection, {}, user_agent));
  return bgp::BgpNode::Opened{
      .routes = std::move(routes), .listeners = std::move(listeners), .api = std::move(api)};
}

bgp::BgpOptions bgp_options(const AgentConfig& config) {
  bgp::BgpOptions options;
  options.announce.node = config.node_name;
  options.announce.as = bgp::AsNumber{config.bgp_as};
  if (config.bgp_router_id)
    options.announce.router_id = bgp::RouterId{number_of(*config.bgp_router_id)};
  options.announce.full_mesh = config.bgp_node_mesh && config.pod_network == podnet::Mode::kBgp;
  options.announce.mesh_port = config.bgp_port;
  options.announce.pod_cidrs = config.pod_cidrs;
  options.announce.cluster_cidrs = config.cluster_cidrs;
  options.announce.service_cidrs = config.service_cidrs;
  options.announce.max_paths = config.bgp_max_paths;
  std::random_device random;
  options.announce.hash_seed = std::uint64_t{random()} << 32U | random();
  options.restart_time = std::chrono::duration_cast<std::chrono::seconds>(config.bgp_restart_time);
  options.routes.compare_period = config.compare_period;
  options.secrets_period = config.compare_period;
  options.marker = marker(config);
  options.command.arguments = {"bgp-speaker", "--log-format",
                               option_values::print_one(config.log_format), "--log-level",
                               option_values::print_one(config.log_level)};
  return options;
}

Result<> clean_up_bgp(const AgentConfig& config) {
  TRY(auto routes, bgp::KernelRoutes::open());
  TRY_VOID(routes.clean_up());
  std::error_code ignored;
  std::filesystem::remove(marker(config), ignored);
  return {};
}

}  // namespace fairlead
