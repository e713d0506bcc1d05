// OPENs that are well-formed, but not of the peer that is configured: each has its NOTIFICATION.
#include "tests/unit/bgp/session_driver.hpp"

namespace fairlead::bgp {
namespace {

using namespace driven;

Notification answer(const PeerConfig& config, const Open& open) {
  Driver driver(config);
  const TransportId transport = driver.to_open_sent();
  driver.out.clear();
  driver.session.received(transport, bytes_of(open), driver.now, driver.out);
  const auto* send = std::get_if<Send>(driver.out.data());
  EXPECT_NE(send, nullptr);
  const auto message = send == nullptr ? Message{} : *decode(send->bytes, {});
  const auto* said = std::get_if<Notification>(&message);
  EXPECT_EQ(driver.session.transports(), said == nullptr ? 1U : 0U);
  return said == nullptr ? Notification{} : *said;
}
Notification refused(std::uint8_t subcode, Bytes data = {}) {
  return notification(ErrorCode::kOpen, subcode, std::move(data));
}

TEST(SessionOpens, AGoodOneIsConfirmed) {
  EXPECT_EQ(answer(config_of_us(), open_of_peer()), Notification{});
}

TEST(SessionOpens, AnotherAsIsRefused) {
  Open open = open_of_peer();
  open.as = {65003};
  EXPECT_EQ(answer(config_of_us(), open), refused(open_error::kBadPeerAs));
}

/// RFC 6286 2.2: and between two of different AS it may be.
TEST(SessionOpens, OurOwnIdentifierIsRefusedWithinAnAs) {
  auto config = config_of_us();
  Open open = open_of_peer();
  open.router_id = config.router_id;
  EXPECT_EQ(answer(config, open), Notification{});
  config.peer_as = open.as = config.own_as;
  EXPECT_EQ(answer(config, open), refused(open_error::kBadIdentifier));
}

TEST(SessionOpens, WithoutACommonFamilyTheOnesThatWeWantAreNamed) {
  auto config = config_of_us();
  config.families = {.ipv4 = false, .ipv6 = true};
  EXPECT_EQ(answer(config, open_of_peer()),
            refused(open_error::kUnsupportedCapability, {1, 4, 0, 2, 0, 1}));
  Open open = open_of_peer();
  open.capabilities.families = {};
  EXPECT_EQ(answer(config_of_us(), open), Notification{}) << "without the capability it is IPv4";
}

/// RFC 9234 4.2.
TEST(SessionOpens, RolesMustFitWhereBothSayOne) {
  using enum Role;
  auto config = config_of_us();
  Open open = open_of_peer();
  const auto fits = [&](Role own, Role peers) {
    config.role = own;
    open.capabilities.role = peers;
    const auto said = answer(config, open);
    EXPECT_TRUE(said == Notification{} || said == refused(open_error::kRoleMismatch));
    return said == Notification{};
  };
  const std::array roles{kProvider, kRouteServer, kRouteServerClient, kCustomer, kPeer};
  constexpr std::array kPartner{3, 2, 1, 0, 4};
  for (std::size_t own = 0; own < roles.size(); ++own)
    for (std::size_t peers = 0; peers < roles.size(); ++peers)
      EXPECT_EQ(fits(roles[own], roles[peers]), kPartner[own] == static_cast<int>(peers));
  EXPECT_FALSE(fits(kPeer, static_cast<Role>(99)));
  config.role = kPeer;
  EXPECT_EQ(answer(config, open_of_peer()), Notification{}) << "who says none fits all";
}

TEST(SessionOpens, WhatDoesNotDecodeIsAnsweredWithWhatTheDecoderSays) {
  for (const auto& [bytes, said] : std::vector<std::pair<Bytes, std::string>>{
           {wire::message(MessageType::kOpen, wire::hex("03 fdea 005a 0a000002 00")),
            "OPEN Message Error / Unsupported Version Number"},
           {wire::message(MessageType::kOpen, wire::hex("04 fdea 0002 0a000002 00")),
            "OPEN Message Error / Unacceptable Hold Time"},
           {wire::message(MessageType::kOpen, wire::hex("04 fdea 005a 00000000 00")),
            "OPEN Message Error / Bad BGP Identifier"},
           {Bytes(19, 0), "Message Header Error / Connection Not Synchronized"}}) {
    Driver driver;
    const TransportId transport = driver.to_open_sent();
    driver.out.clear();
    EXPECT_EQ(driver.hear_bytes(transport, bytes),
              (Words{"send 1 " + said, "close 1", "failed: sent " + said}));
  }
}

TEST(SessionOpens, WhatBothSayIsAgreedOn) {
  auto config = config_of_us();
  config.families = {.ipv4 = true, .ipv6 = true};
  config.ipv4_over_ipv6 = true;
  config.graceful_restart = RestartConfig{};
  Open open = open_of_peer();
  open.hold_time = seconds(30);
  open.capabilities.ipv4_over_ipv6 = true;
  open.capabilities.graceful_restart = GracefulRestart{
      .notification = true, .time = seconds(60), .families = {.ipv4 = true, .ipv6 = true}};
  const auto agreed = agree(config, open);
  ASSERT_TRUE(agreed);
  EXPECT_EQ(agreed->hold_time, seconds(30));
  EXPECT_EQ(agreed->negotiated.families, (FamilySet{.ipv4 = true, .ipv6 = false}));
  EXPECT_TRUE(agreed->negotiated.ipv4_over_ipv6 && agreed->negotiated.four_octet_as);
  EXPECT_EQ(agreed->kept_over_restart, (FamilySet{.ipv4 = true, .ipv6 = false}));
  EXPECT_TRUE(agreed->notification_keeps_routes);
}

TEST(SessionOpens, AConfigurationThatNoPeerCouldHaveIsNamed) {
  EXPECT_TRUE(check(config_of_us()));
  auto config = config_of_us();
  config.hold_time = seconds(2);
  ASSERT_FALSE(check(config));
  EXPECT_EQ(check(config).error().doing, "hold time: must be 0, or 3 to 65535 s");
  config = config_of_us();
  config.router_id = {};
  EXPECT_FALSE(check(config));
}

}  // namespace
}  // namespace fairlead::bgp
