// Every type of the control socket as its fields: said once, for writing and for reading.
#pragma once

#include <concepts>
#include <type_traits>

#include "dataplane/bgp/control/messages.hpp"

namespace fairlead::bgp::control {

/// `T`, or `const T`.
template <class Given, class T>
concept Is = std::same_as<std::remove_const_t<Given>, T>;

template <class T>
inline constexpr bool kIsPerFamily = false;
template <class T>
inline constexpr bool kIsPerFamily<PerFamily<T>> = true;

template <class T, class Visit>
requires kIsPerFamily<std::remove_const_t<T>>
void each_field(T& it, Visit&& visit) {
  visit("ipv4", it.ipv4);
  visit("ipv6", it.ipv6);
}

void each_field(Is<Bfd> auto& it, auto&& visit) {
  visit("interval_ms", it.interval);
  visit("multiplier", it.multiplier);
}

void each_field(Is<PrefixRule> auto& it, auto&& visit) {
  visit("prefix", it.prefix);
  visit("min_length", it.min_length);
  visit("max_length", it.max_length);
}

void each_field(Is<LargeCommunity> auto& it, auto&& visit) {
  visit("global", it.global);
  visit("local_1", it.local_1);
  visit("local_2", it.local_2);
}

void each_field(Is<Transport> auto& it, auto&& visit) {
  visit("address", it.address);
  visit("port", it.port);
  visit("local_address", it.local_address);
  visit("interface", it.interface);
  visit("password", it.password);
  visit("hops", it.hops);
  visit("ttl_security", it.ttl_security);
  visit("bfd", it.bfd);
}

void each_field(Is<RestartConfig> auto& it, auto&& visit) {
  visit("time_s", it.time);
  visit("restarting", it.restarting);
  visit("forwarding", it.forwarding);
}

void each_field(Is<PeerConfig> auto& it, auto&& visit) {
  visit("own_as", it.own_as);
  visit("router_id", it.router_id);
  visit("peer_as", it.peer_as);
  visit("passive", it.passive);
  visit("families", it.families);
  visit("ipv4_over_ipv6", it.ipv4_over_ipv6);
  visit("hold_time_s", it.hold_time);
  visit("keepalive_s", it.keepalive);
  visit("connect_retry_s", it.connect_retry);
  visit("graceful_restart", it.graceful_restart);
  visit("stale_time_s", it.stale_time);
  visit("role", it.role);
  visit("maximum_prefixes", it.maximum_prefixes);
  visit("shutdown_text", it.shutdown_text);
}

void each_field(Is<OwnRouteRule> auto& it, auto&& visit) {
  visit("tag", it.tag);
  visit("communities", it.communities);
  visit("large_communities", it.large_communities);
  visit("med", it.med);
  visit("local_preference", it.local_preference);
  visit("prepend", it.prepend);
}

void each_field(Is<PeerRules> auto& it, auto&& visit) {
  visit("address", it.address);
  visit("as", it.as);
  visit("local_as", it.local_as);
  visit("role", it.role);
  visit("imports", it.imports);
  visit("own_as_allowed", it.own_as_allowed);
  visit("first_as_checked", it.first_as_checked);
  visit("max_prefixes", it.max_prefixes);
  visit("client", it.client);
  visit("next_hop_self", it.next_hop_self);
  visit("transit", it.transit);
  visit("own_routes", it.own_routes);
}

void each_field(Is<PeerSettings> auto& it, auto&& visit) {
  visit("name", it.name);
  visit("transport", it.transport);
  visit("session", it.session);
  visit("rules", it.rules);
  visit("next_hop", it.next_hop);
}

void each_field(Is<Speaker> auto& it, auto&& visit) {
  visit("as", it.as);
  visit("router_id", it.router_id);
  visit("cluster_id", it.cluster_id);
  visit("max_paths", it.max_paths);
  visit("hash_seed", it.hash_seed);
}

void each_field(Is<OwnRoute> auto& it, auto&& visit) {
  visit("prefix", it.prefix);
  visit("tag", it.tag);
}

void each_field(Is<Settings> auto& it, auto&& visit) {
  visit("speaker", it.speaker);
  visit("peers", it.peers);
  visit("routes", it.routes);
  visit("restart_wait_s", it.restart_wait);
}

void each_field(Is<NextHopState> auto& it, auto&& visit) {
  visit("address", it.address);
  visit("reachable", it.reachable);
}

void each_field(Is<Ask> auto& it, auto&& visit) {
  visit("id", it.id);
  visit("what", it.what);
  visit("prefix", it.prefix);
}

void each_field(Is<Leave> auto& it, auto&& visit) { visit("how", it.how); }

void each_field(Is<Via> auto& it, auto&& visit) {
  visit("address", it.address);
  visit("interface", it.interface);
}

void each_field(Is<LearnedRoute> auto& it, auto&& visit) {
  visit("prefix", it.prefix);
  visit("via", it.via);
}

void each_field(Is<RoutesChanged> auto& it, auto&& visit) {
  visit("set", it.set);
  visit("gone", it.gone);
}

void each_field(Is<RestartOver> auto& /*it*/, auto&& /*visit*/) {}

void each_field(Is<PeerStatus> auto& it, auto&& visit) {
  visit("name", it.name);
  visit("address", it.address);
  visit("as", it.as);
  visit("state", it.state);
  visit("in_state_s", it.in_state);
  visit("router_id", it.router_id);
  visit("hold_time_s", it.hold_time);
  visit("last_error", it.last_error);
  visit("bfd", it.bfd);
  visit("received", it.received);
  visit("announced", it.announced);
  visit("refused", it.refused);
  visit("updates_in", it.updates_in);
  visit("updates_out", it.updates_out);
  visit("messages_in", it.messages_in);
  visit("messages_out", it.messages_out);
  visit("sessions", it.sessions);
  visit("problems", it.problems);
}

void each_field(Is<PathStatus> auto& it, auto&& visit) {
  visit("peer", it.peer);
  visit("next_hops", it.next_hops);
  visit("as_path", it.as_path);
  visit("origin", it.origin);
  visit("med", it.med);
  visit("local_preference", it.local_preference);
  visit("communities", it.communities);
  visit("used", it.used);
  visit("best", it.best);
  visit("stale", it.stale);
}

void each_field(Is<RouteStatus> auto& it, auto&& visit) {
  visit("prefix", it.prefix);
  visit("paths", it.paths);
}

void each_field(Is<Answer> auto& it, auto&& visit) {
  visit("id", it.id);
  visit("peers", it.peers);
  visit("routes", it.routes);
  visit("more", it.more);
}

}  // namespace fairlead::bgp::control
