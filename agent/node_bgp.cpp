// NodeAgent's arrows from and to BGP, and from the objects that BGP and Layer2 share; BGP's pages.
#include <boost/json.hpp>

#include "agent/bgp/status_json.hpp"
#include "agent/node_agent.hpp"
#include "agent/pages.hpp"
#include "http/query.hpp"

namespace fairlead {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

http::Response error_page(const Error& error) {
  return json_page(json::serialize(json::object{{"error", error.doing}}), 400);
}
Error not_spoken() {
  return {std::make_error_code(std::errc::not_supported),
          "this node does not speak BGP: neither bgp.enabled nor podNetwork.mode bgp"};
}

/// ?prefix=10.0.0.0/8; none: all.
Result<std::optional<Cidr>> asked_prefix(const http::Request& request) {
  TRY(const auto query, http::Query::parse(request.query));
  const auto text = query.get("prefix");
  if (!text) return std::optional<Cidr>();
  auto prefix = parse_cidr(*text);
  if (!prefix) return invalid("prefix: not an address prefix such as 10.0.0.0/8");
  return std::optional(*prefix);
}

}  // namespace

bgp::BgpNode::Owner NodeAgent::bgp_owner() {
  return {
      .cluster = [this]() -> std::optional<announce::Cluster> {
        if (!history_.last_success) return std::nullopt;  // nothing would serve what is announced
        return announce::Cluster{planner_.snapshot(), planner_.plan()};
      },
      .left_out =
          [this](const std::vector<Problem>& problems) { problems_.set_bgp_problems(problems); }};
}

BgpEvents::Parts NodeAgent::bgp_event_parts() {
  BgpEvents::Parts parts{.problems = problems_};
  parts.pool = [this](const AddressPool& pool) {
    layer2_.pool(pool);
    if (bgp_) bgp_->set(pool);
  };
  parts.pool_gone = [this](const std::string& name) {
    layer2_.pool_gone(name);
    if (bgp_) bgp_->erase_pool(name);
  };
  parts.listed = [this](client::BgpResource resource) {
    if (resource == client::BgpResource::kAddressPools) layer2_.pools_listed();
    if (bgp_) bgp_->listed(resource);
  };
  if (!bgp_) return parts;
  parts.peer = [this](const BgpPeer& peer) { bgp_->set(peer); };
  parts.peer_gone = [this](const std::string& name) { bgp_->erase_peer(name); };
  parts.advertisement = [this](const BgpAdvertisement& one) { bgp_->set(one); };
  parts.advertisement_gone = [this](const std::string& name) { bgp_->erase_advertisement(name); };
  return parts;
}

/// What leads to this node's own pods and addresses is nobody else's to say. A Node that is gone
/// for a moment takes nothing.
void NodeAgent::guard_routes() {
  if (!bgp_) return;
  bgp::RouteGuard guard{.own_pod_cidrs = config_.pod_cidrs, .local_addresses = local_addresses_};
  if (pod_network_)
    guard.own_pod_cidrs = pod_network_->own_pod_cidrs();
  else if (guard.own_pod_cidrs.empty() && node_)
    guard.own_pod_cidrs = node_->pod_cidrs;
  bgp_->guard(std::move(guard));
}

asio::awaitable<http::Response> NodeAgent::bgp_page(const http::Request& request) {
  if (!bgp_) co_return error_page(not_spoken());
  using What = bgp::control::Ask::What;
  const bool peers = request.path == "/v1/bgp/peers";
  const auto prefix = asked_prefix(request);
  if (!prefix) co_return error_page(prefix.error());
  const auto answer = co_await bgp_->ask(peers ? What::kPeers : What::kRoutes, *prefix);
  if (!answer) co_return error_page(answer.error());
  co_return json_page(
      json::serialize(peers ? bgp::peers_json(answer->peers) : bgp::routes_json(answer->routes)));
}

http::Response NodeAgent::drain_page() {
  if (!bgp_) return error_page(not_spoken());
  bgp_->drain();
  return json_page(json::serialize(json::object{{"drained", true}}));
}

asio::awaitable<http::Response> NodeAgent::metrics_page() {
  if (bgp_) {
    const auto answer = co_await bgp_->ask(bgp::control::Ask::What::kPeers);
    metrics_.set_bgp(bgp_->status(),
                     answer ? answer->peers : std::vector<bgp::control::PeerStatus>{});
  }
  http::Response response = text_page(metrics_text());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  co_return response;
}

}  // namespace fairlead
