// NodeAgent's arrows from and to BGP, and from the objects that BGP and Layer2 share.
#include "agent/node_agent.hpp"

namespace fairlead {

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

}  // namespace fairlead
