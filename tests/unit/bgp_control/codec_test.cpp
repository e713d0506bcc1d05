// What the agent and its speaker say to one another: there and back, and what damage is called.
#include "dataplane/bgp/control/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::bgp::control {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

Ip ip(std::string_view text) { return *parse_ip(text); }
Prefix prefix(std::string_view text) { return *parse_cidr(text); }

PeerConfig session_with_everything() {
  return {.own_as = {65001},
          .router_id = {0x0a000001},
          .peer_as = {4200000001},
          .passive = true,
          .families = {.ipv4 = false, .ipv6 = true},
          .ipv4_over_ipv6 = true,
          .hold_time = seconds(9),
          .keepalive = seconds(2),
          .connect_retry = seconds(2),
          .graceful_restart = RestartConfig{.time = seconds(77),
                                            .restarting = true,
                                            .forwarding = {.ipv4 = true, .ipv6 = true}},
          .stale_time = seconds(33),
          .role = Role::kCustomer,
          .maximum_prefixes = 5,
          .shutdown_text = "rack 7 \"moves\"\n"};
}

PeerRules rules_with_everything() {
  return {.address = ip("fd00::2"),
          .as = {4200000001},
          .local_as = {65001},
          .role = Role::kCustomer,
          .imports = {{.prefix = prefix("10.0.0.0/8"), .min_length = 16, .max_length = 24}},
          .own_as_allowed = 1,
          .first_as_checked = false,
          .max_prefixes = 7,
          .client = true,
          .next_hop_self = true,
          .transit = true,
          .own_routes = {{.tag = {3},
                          .communities = {kNoExport, {0xfde80007}},
                          .large_communities = {{1, 2, 4294967295}},
                          .med = 0,
                          .local_preference = 200,
                          .prepend = 4}}};
}

Settings settings_with_everything() {
  const Transport transport{.address = ip("fe80::2"),
                            .port = {1790},
                            .local_address = ip("fe80::1"),
                            .interface = "eth0",
                            .password = "s3cret",
                            .hops = 3,
                            .ttl_security = true,
                            .bfd = Bfd{.interval = std::chrono::milliseconds(50), .multiplier = 4}};
  return {.speaker = {.as = {65001},
                      .router_id = {0x0a000001},
                      .cluster_id = {0x0a000002},
                      .max_paths = 3,
                      .hash_seed = 0xfedcba9876543210},
          .peers = {{.name = "tor",
                     .transport = transport,
                     .session = session_with_everything(),
                     .rules = rules_with_everything(),
                     .next_hop = {.ipv4 = ip("10.0.0.1"), .ipv6 = {}}},
                    {.name = "bare"}},
          .routes = {{.prefix = prefix("10.1.0.0/24"), .tag = {3}},
                     {.prefix = prefix("fd00:1::/64"), .tag = {0}}},
          .restart_wait = seconds(120)};
}

PeerStatus status_with_everything() {
  return {.name = "tor",
          .address = ip("10.0.0.2"),
          .as = {65002},
          .state = SessionState::kEstablished,
          .in_state = seconds(61),
          .router_id = RouterId{0x0a000002},
          .hold_time = seconds(9),
          .last_error = "received Cease / 77",
          .bfd = "Up",
          .received = {.ipv4 = 1, .ipv6 = 2},
          .announced = {.ipv4 = 3, .ipv6 = 4},
          .refused = 5,
          .updates_in = 6,
          .updates_out = 7,
          .messages_in = 8,
          .messages_out = 9,
          .sessions = 10,
          .problems = 11};
}

PathStatus path_with_everything() {
  return {.peer = "tor",
          .next_hops = {ip("10.0.0.2"), ip("fe80::2")},
          .as_path = "65002 {1,2}",
          .origin = "IGP",
          .med = 7,
          .local_preference = 100,
          .communities = {"no-export", "1:2:3"},
          .used = true,
          .best = true,
          .stale = true};
}

TEST(ControlCodec, WhatTheAgentSaysComesBackAsItWas) {
  const std::vector<ToSpeaker> messages{
      settings_with_everything(),
      Settings{},
      NextHopState{.address = ip("10.0.0.2"), .reachable = false},
      Ask{.id = 18446744073709551615U, .what = Ask::What::kRoutes, .prefix = prefix("::/0")},
      Ask{},
      Leave{.how = Leave::How::kShutdown},
      Leave{}};
  for (const ToSpeaker& message : messages) {
    const std::string line = encode(message);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    const auto back = decode_to_speaker(line);
    ASSERT_TRUE(back) << back.error().doing;
    EXPECT_TRUE(*back == message) << line;
  }
}

TEST(ControlCodec, WhatTheSpeakerSaysComesBackAsItWas) {
  const LearnedRoute route{.prefix = prefix("10.2.0.0/16"),
                           .via = {{.address = ip("10.0.0.2"), .interface = {}},
                                   {.address = ip("fe80::2"), .interface = "eth1"}}};
  const std::vector<FromSpeaker> messages{
      RoutesChanged{.set = {route}, .gone = {prefix("0.0.0.0/0"), prefix("fd00::/8")}},
      RoutesChanged{},
      RestartOver{},
      status_with_everything(),
      PeerStatus{},
      Answer{.id = 7,
             .peers = {status_with_everything()},
             .routes = {{.prefix = prefix("10.2.0.0/16"), .paths = {path_with_everything(), {}}}},
             .more = true},
      Answer{}};
  for (const FromSpeaker& message : messages) {
    const std::string line = encode(message);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    const auto back = decode_from_speaker(line);
    ASSERT_TRUE(back) << back.error().doing;
    EXPECT_TRUE(*back == message) << line;
  }
}

TEST(ControlCodec, EveryStateHasItsName) {
  for (int number = 0; number <= static_cast<int>(SessionState::kEstablished); ++number) {
    const auto state = static_cast<SessionState>(number);
    EXPECT_THAT(encode(PeerStatus{.state = state}),
                HasSubstr("\"state\":\"" + std::string(to_string(state)) + '"'));
  }
}

/// `settings_with_everything` as a line, in which the first `what` is `by`.
std::string damaged(std::string_view what, std::string_view by) {
  std::string line = encode(settings_with_everything());
  const auto place = line.find(what);
  EXPECT_NE(place, std::string::npos) << what;
  return line.replace(place, what.size(), by);
}

TEST(ControlCodec, DamageIsNamedByItsField) {
  const auto error_of = [](const std::string& line) {
    const auto decoded = decode_to_speaker(line);
    return decoded ? std::string("none") : decoded.error().doing;
  };
  EXPECT_EQ(error_of(damaged("\"port\":1790", "\"port\":70000")),
            "Settings.peers[0].transport.port: 70000 is more than 65535");
  EXPECT_EQ(error_of(damaged("\"port\":1790", "\"port\":0")),
            "Settings.peers[0].transport.port: 0 is no port");
  EXPECT_EQ(error_of(damaged("\"passive\":true", "\"passive\":1")),
            "Settings.peers[0].session.passive: is neither true nor false");
  EXPECT_EQ(error_of(damaged("\"hold_time_s\":9", "\"hold_time_s\":-9")),
            "Settings.peers[0].session.hold_time_s: is no whole number of at least 0");
  EXPECT_EQ(error_of(damaged("\"prepend\":4", "\"prepend\":4.5")),
            "Settings.peers[0].rules.own_routes[0].prepend: is no whole number of at least 0");
  EXPECT_EQ(error_of(damaged("\"password\":\"s3cret\"", "\"password\":[\"s3cret\"]")),
            "Settings.peers[0].transport.password: is no text");
  EXPECT_EQ(error_of(damaged("\"role\":\"Customer\"", "\"role\":\"Friend\"")),
            "Settings.peers[0].session.role: \"Friend\" is none of the words for it");
  EXPECT_EQ(error_of(damaged("\"min_length\":16,", "")),
            "Settings.peers[0].rules.imports[0].min_length: is missing");
  EXPECT_THAT(error_of(damaged("fd00:1::/64", "fd00:1::/640")),
              HasSubstr("Settings.routes[1].prefix: "));
  EXPECT_THAT(error_of(damaged("\"address\":\"fe80::2\"", "\"address\":\"here\"")),
              HasSubstr("Settings.peers[0].transport.address: "));
  EXPECT_EQ(error_of(damaged("\"speaker\":{", "\"speaker\":[],\"listener\":{")),
            "Settings.speaker: is no object");
}

TEST(ControlCodec, WhatIsNoMessageSaysSo) {
  EXPECT_THAT(decode_to_speaker("{").error().doing, HasSubstr("message is no JSON"));
  EXPECT_EQ(decode_to_speaker("[]").error().doing, "message is no object with one member");
  EXPECT_EQ(decode_to_speaker("{}").error().doing, "message is no object with one member");
  EXPECT_THAT(decode_to_speaker("{\"Answer\":{}}").error().doing,
              HasSubstr("no message is called"));
  EXPECT_THAT(decode_from_speaker(encode(ToSpeaker(Leave{}))).error().doing,
              HasSubstr("no message is called"));
  EXPECT_EQ(decode_to_speaker("{\"Leave\":7}").error().doing, "Leave: is no object");
}

TEST(ControlCodec, EveryCutLineIsRefused) {
  const std::string line = encode(settings_with_everything());
  for (std::size_t length = 0; length + 1 < line.size(); ++length)
    EXPECT_FALSE(decode_to_speaker(std::string_view(line).substr(0, length))) << length;
}

TEST(ControlCodec, OfAllMessagesOnlySettingsHoldAPassword) {
  EXPECT_THAT(encode(settings_with_everything()), HasSubstr("s3cret"));
  EXPECT_THAT(encode(FromSpeaker(status_with_everything())), testing::Not(HasSubstr("password")));
}

}  // namespace
}  // namespace fairlead::bgp::control
