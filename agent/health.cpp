// Reconciler's waiting time and the Node object -> 200 or 503 with kube-proxy's JSON
// (pkg/proxy/healthcheck/proxy_health.go).
#include "agent/health.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "objects/decode.hpp"

namespace fairlead {

void Health::set_node(const Node* node) {
  // The taint that cluster-autoscaler sets before it takes a node away.
  constexpr std::string_view kToBeDeleted = "ToBeDeletedByClusterAutoscaler";
  node_known_ = node != nullptr;
  node_eligible_ = node != nullptr && !node->being_deleted &&
                   std::ranges::find(node->taint_keys, kToBeDeleted) == node->taint_keys.end();
}

bool Health::is_live(Now now) const {
  const auto since = reconciler_.pending_since();
  return !since || now.steady - *since <= stuck_after_;
}

HealthAnswer Health::healthz(Now now) const {
  return answer(is_live(now) && is_node_eligible(), true, now);
}
HealthAnswer Health::livez(Now now) const { return answer(is_live(now), false, now); }
HealthAnswer Health::readyz(Now now) const {
  return answer(reconciler_.is_synced() && is_live(now), false, now);
}

HealthAnswer Health::answer(bool ok, bool with_node, Now now) const {
  // As kube-proxy: healthy means up to date, so that the time shown is now.
  const Time updated = ok ? now.wall : last_sync_.value_or(Time{});
  const bool live = is_live(now);
  const Time family_updated = live ? now.wall : last_sync_.value_or(Time{});
  boost::json::object json{{"lastUpdated", format_micro_time(updated)},
                           {"currentTime", format_micro_time(now.wall)}};
  if (with_node) json["nodeEligible"] = is_node_eligible();
  json["healthy"] = ok;
  boost::json::object status;
  // One sync writes both families.
  for (const char* family : {"IPv4", "IPv6"}) {
    status[family] =
        boost::json::object{{"lastUpdated", format_micro_time(family_updated)}, {"healthy", live}};
  }
  json["status"] = std::move(status);
  return {.ok = ok, .body = boost::json::serialize(json)};
}

}  // namespace fairlead
