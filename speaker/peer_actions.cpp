// What a session wants -> sockets, table, log. `more` takes the actions that follow from one.
#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/families.hpp"
#include "dataplane/bgp/text.hpp"
#include "speaker/addresses.hpp"
#include "speaker/peer.hpp"

namespace fairlead::speaker {

using bgp::Family;

namespace {

/// Of one session; the rest is counted.
constexpr std::uint64_t kMostReported = 10;

constexpr bgp::FamilySet kBoth{.ipv4 = true, .ipv6 = true};

}  // namespace

void Peer::act(const bgp::Connect& action, bgp::Actions& /*more*/) {
  add_socket(action.transport).dial(settings_.transport, is_internal(settings_.session));
}

void Peer::act(const bgp::Close& action, bgp::Actions& /*more*/) { drop_socket(action.transport); }

void Peer::act(const bgp::Send& action, bgp::Actions& /*more*/) {
  const auto found = sockets_.find(action.transport);
  if (found != sockets_.end()) found->second->send(action.bytes);
}

/// For the session's own family it is its own end; for the other what the agent says, or (RFC 8950)
/// that end again.
bgp::Established Peer::established(const bgp::Agreed& agreed) const {
  bgp::Established session{.router_id = agreed.peer.router_id, .negotiated = agreed.negotiated};
  for (const Family family : bgp::kFamilies)
    if (const auto& configured = settings_.next_hop[family])
      session.next_hop[family] = bgp::NextHop{.address = *configured};
  const auto socket = session_transport_ ? sockets_.find(*session_transport_) : sockets_.end();
  const auto local = socket == sockets_.end() ? std::nullopt : socket->second->local_address();
  if (!local) return session;
  const bgp::NextHop own{.address = ip_of(*local)};
  session.next_hop[own.address.family()] = own;
  if (own.address.family() == Family::kIpv6 && agreed.negotiated.ipv4_over_ipv6 &&
      !session.next_hop.ipv4)
    session.next_hop.ipv4 = own;
  return session;
}

void Peer::act(const bgp::SessionUp& action, bgp::Actions& /*more*/) {
  session_transport_ = action.transport;
  said_all_ = refreshing_ = {};
  over_limit_ = false;
  reported_problems_ = 0;
  logged_failure_.clear();
  ++counts_.sessions;
  interface_ = settings_.transport.interface;
  const auto socket = sockets_.find(action.transport);
  if (socket != sockets_.end() && interface_.empty())
    if (const auto local = socket->second->local_address()) interface_ = interface_of(*local);
  host_.table.session_up(id_, established(action.agreed));
  host_.table.remove_stale(id_, {.ipv4 = !action.keep_stale.ipv4, .ipv6 = !action.keep_stale.ipv6});
  host_.table_changed();
  log_.info("session established",
            {{"router_id", to_string(action.agreed.peer.router_id)},
             {"hold_time_s", action.agreed.hold_time.count()},
             {"ipv4", action.agreed.negotiated.families.ipv4},
             {"ipv6", action.agreed.negotiated.families.ipv6},
             {"graceful_restart", action.agreed.kept_over_restart != bgp::FamilySet{}}});
}

void Peer::act(const bgp::SessionDown& action, bgp::Actions& /*more*/) {
  session_transport_.reset();
  over_limit_ = false;
  last_error_ = describe(action.end);
  host_.table.session_down(id_, action.stale);
  host_.table_changed();
  log_.warn(
      "session ended",
      {{"why", last_error_}, {"keeps_ipv4", action.stale.ipv4}, {"keeps_ipv6", action.stale.ipv6}});
}

void Peer::act(const bgp::StaleExpired& /*action*/, bgp::Actions& /*more*/) {
  host_.table.remove_stale(id_, kBoth);
  host_.table_changed();
}

/// The socket has said why already, where it could.
void Peer::act(const bgp::AttemptFailed& action, bgp::Actions& /*more*/) {
  if (action.end.cause != bgp::End::Cause::kConnectFailed) failed(describe(action.end));
}

/// Once for each new text: attempts that fail alike are no news.
void Peer::failed(const std::string& why) {
  last_error_ = why;
  if (logged_failure_ == why) return;
  logged_failure_ = why;
  log_.warn("no session yet", {{"why", why}});
}

void Peer::act(const bgp::UpdateReceived& action, bgp::Actions& more) {
  if (over_limit_) return;
  report_problems(action.update);
  const bgp::Received received = host_.table.receive(id_, action.update);
  for (const std::size_t refused : received.refused) counts_.refused += refused;
  host_.table_changed();
  if (!received.over_limit) return;
  over_limit_ = true;
  log_.error("the peer announces more prefixes than it may",
             {{"family", *received.over_limit == Family::kIpv4 ? "IPv4" : "IPv6"},
              {"max_prefixes", settings_.rules.max_prefixes}});
  session_.reset(bgp::cease_notification(bgp::cease::kMaximumPrefixes),
                 std::chrono::steady_clock::now(), more);
}

void Peer::report_problems(const bgp::Update& update) {
  counts_.problems += update.problems.size();
  for (const bgp::UpdateProblem& problem : update.problems) {
    if (++reported_problems_ > kMostReported) return;
    log_.warn("damage in what the peer says", {{"attribute", problem.attribute},
                                               {"name", problem.name},
                                               {"what", problem.what},
                                               {"consequence", to_string(problem.consequence)}});
  }
}

void Peer::act(const bgp::EndOfRib& action, bgp::Actions& /*more*/) {
  said_all_[action.family] = true;
  bgp::FamilySet families;
  families[action.family] = true;
  host_.table.remove_stale(id_, families);
  host_.table_changed();
}

void Peer::act(const bgp::RefreshReceived& action, bgp::Actions& more) {
  using enum bgp::RouteRefresh::Kind;
  const bgp::Agreed* agreed = session_.agreed();
  if (agreed == nullptr || !session_transport_) return;
  if (action.kind == kBegin) return host_.table.mark_stale(id_, action.family);
  if (action.kind == kEnd) return act(bgp::EndOfRib{action.family}, more);
  if (agreed->enhanced_route_refresh) {
    bgp::Send begin{.transport = *session_transport_};
    encode(bgp::RouteRefresh{.family = action.family, .kind = kBegin}, begin.bytes);
    act(begin, more);
    refreshing_[action.family] = true;
  }
  host_.table.refresh(id_, action.family);
  host_.table_changed();
}

}  // namespace fairlead::speaker
