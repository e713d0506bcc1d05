// One Session, driven event by event; what it wants done is told in words.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/session.hpp"
#include "tests/unit/bgp/wire.hpp"

namespace fairlead::bgp::driven {

using std::chrono::seconds;
using Words = std::vector<std::string>;

inline PeerConfig config_of_us() {
  return {.own_as = {65001}, .router_id = {0x0a000001}, .peer_as = {65002}};
}
/// What the peer of config_of_us says, if it is well.
inline Open open_of_peer() {
  auto config = config_of_us();
  std::swap(config.own_as, config.peer_as);
  config.router_id = {0x0a000002};
  return own_open(config);
}
inline Bytes bytes_of(const Message& message) {
  Bytes bytes;
  EXPECT_TRUE(encode(message, {}, bytes));
  return bytes;
}

inline std::string number(TransportId transport) { return " " + std::to_string(transport.number); }
inline std::string names(const FamilySet& families) {
  return std::string(families.ipv4 ? " ipv4" : "") + (families.ipv6 ? " ipv6" : "");
}
inline std::string kind(const Bytes& bytes) {
  const auto message = decode(bytes, {});
  if (!message) return "damaged";
  if (const auto* said = std::get_if<Notification>(&*message)) return describe(*said);
  return std::array{"OPEN", "UPDATE", "", "KEEPALIVE", "ROUTE-REFRESH"}.at(message->index());
}

struct InWords {
  std::string operator()(const Connect& a) const { return "connect" + number(a.transport); }
  std::string operator()(const Close& a) const { return "close" + number(a.transport); }
  std::string operator()(const Send& a) const {
    return "send" + number(a.transport) + " " + kind(a.bytes);
  }
  std::string operator()(const SessionUp& a) const {
    return "up" + number(a.transport) + names(a.keep_stale);
  }
  std::string operator()(const SessionDown& a) const {
    return "down: " + describe(a.end) + (a.stale == FamilySet{} ? "" : ", stale" + names(a.stale));
  }
  std::string operator()(const StaleExpired&) const { return "stale expired"; }
  std::string operator()(const AttemptFailed& a) const { return "failed: " + describe(a.end); }
  std::string operator()(const UpdateReceived&) const { return "update"; }
  std::string operator()(const EndOfRib&) const { return "end of rib"; }
  std::string operator()(const RefreshReceived& a) const {
    return "refresh " + std::to_string(static_cast<int>(a.kind));
  }
};

class Driver {
 public:
  explicit Driver(const PeerConfig& config = config_of_us()) : session(config, 7) {}

  Session session;
  TimePoint now{};
  Actions out{};

  /// What is to be done since the last call.
  Words words() {
    Words words;
    for (const Action& action : out) words.push_back(std::visit(InWords{}, action));
    out.clear();
    return words;
  }
  Words hear(TransportId transport, const Message& message) {
    return hear_bytes(transport, bytes_of(message));
  }
  Words hear_bytes(TransportId transport, const Bytes& bytes) {
    session.received(transport, bytes, now, out);
    return words();
  }
  Words wait(seconds time) {
    now += time;
    session.timers_due(now, out);
    return words();
  }
  /// As whoever runs it would: at each time that it asks for.
  Words live_through(seconds time) {
    const TimePoint end = now + time;
    for (auto next = session.next_timer(); next && *next <= end; next = session.next_timer()) {
      now = *next;
      session.timers_due(now, out);
    }
    now = end;
    return words();
  }

  /// The first transport is what we dial. Each goes on from the one before.
  TransportId to_connect() {
    session.start(now, out);
    return first_;
  }
  TransportId to_open_sent() {
    session.connected(to_connect(), now, out);
    return first_;
  }
  TransportId to_open_confirm(const Open& peer = open_of_peer()) {
    hear(to_open_sent(), peer);
    return first_;
  }
  TransportId to_established(const Open& peer = open_of_peer()) {
    hear(to_open_confirm(peer), Keepalive{});
    EXPECT_EQ(session.state(), SessionState::kEstablished);
    out.clear();
    return first_;
  }

 private:
  TransportId first_{1};
};

}  // namespace fairlead::bgp::driven
