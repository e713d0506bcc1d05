// Values -> JSON: what has no value is left out. No password is in any of them.
#include "agent/bgp/status_json.hpp"

#include <boost/json/array.hpp>

#include "dataplane/bgp/text.hpp"

namespace fairlead::bgp {
namespace {

namespace json = boost::json;

json::object counts_json(const PerFamily<std::uint64_t>& counts) {
  return {{"ipv4", counts.ipv4}, {"ipv6", counts.ipv6}};
}

json::object path_json(const control::PathStatus& path) {
  json::array next_hops, communities;
  for (const Ip& ip : path.next_hops) next_hops.emplace_back(fairlead::to_string(ip));
  for (const std::string& community : path.communities) communities.emplace_back(community);
  json::object row{{"peer", path.peer},
                   {"nextHops", std::move(next_hops)},
                   {"asPath", path.as_path},
                   {"origin", path.origin},
                   {"communities", std::move(communities)},
                   {"used", path.used},
                   {"best", path.best},
                   {"stale", path.stale}};
  if (path.med) row["med"] = *path.med;
  if (path.local_preference) row["localPreference"] = *path.local_preference;
  return row;
}

}  // namespace

json::object status_json(const BgpNode::Status& status) {
  json::array problems;
  for (const std::string& problem : status.problems) problems.emplace_back(problem);
  json::object speaker{{"running", status.running},
                       {"pid", status.pid},
                       {"starts", status.starts},
                       {"allWasSaid", status.restart_over},
                       {"drained", status.drained}};
  json::object routes{
      {"inKernel", status.routes.routes},   {"added", status.routes.added},
      {"replaced", status.routes.replaced}, {"removed", status.routes.removed},
      {"failures", status.routes.failures}, {"foreignChanges", status.routes.foreign_changes},
      {"problems", std::move(problems)}};
  return {{"as", status.as.number},
          {"routerID", to_string(status.router_id)},
          {"peers", status.peers},
          {"established", status.established},
          {"announcedPrefixes", status.announced},
          {"speaker", std::move(speaker)},
          {"routes", std::move(routes)}};
}

json::object peers_json(const std::vector<control::PeerStatus>& peers) {
  json::array rows;
  for (const control::PeerStatus& peer : peers) {
    json::object row{{"name", peer.name},
                     {"address", fairlead::to_string(peer.address)},
                     {"as", peer.as.number},
                     {"state", to_string(peer.state)},
                     {"stateSeconds", peer.in_state.count()},
                     {"received", counts_json(peer.received)},
                     {"announced", counts_json(peer.announced)},
                     {"refused", peer.refused},
                     {"updatesIn", peer.updates_in},
                     {"updatesOut", peer.updates_out},
                     {"messagesIn", peer.messages_in},
                     {"messagesOut", peer.messages_out},
                     {"sessions", peer.sessions},
                     {"damagedAttributes", peer.problems},
                     {"lastError", peer.last_error}};
    if (peer.router_id) row["routerID"] = to_string(*peer.router_id);
    if (peer.hold_time) row["holdSeconds"] = peer.hold_time->count();
    if (peer.bfd) row["bfd"] = *peer.bfd;
    rows.push_back(std::move(row));
  }
  return {{"peers", std::move(rows)}};
}

json::object routes_json(const std::vector<control::RouteStatus>& routes) {
  json::array rows;
  for (const control::RouteStatus& route : routes) {
    json::array paths;
    for (const control::PathStatus& path : route.paths) paths.push_back(path_json(path));
    rows.push_back(
        json::object{{"prefix", fairlead::to_string(route.prefix)}, {"paths", std::move(paths)}});
  }
  return {{"routes", std::move(rows)}};
}

}  // namespace fairlead::bgp
