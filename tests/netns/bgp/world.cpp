// Addresses, and settings that fit them.
#include "tests/netns/bgp/world.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>
#include <iostream>
#include <iterator>

namespace fairlead::test {

using namespace bgp::control;

namespace {

PeerSettings peer_settings(const std::string& name, std::string_view address, std::uint32_t own,
                           std::uint32_t other) {
  PeerSettings peer{.name = name};
  peer.transport = {.address = ip(address)};
  peer.session = {.own_as = {own},
                  .router_id = {0x0a3c0000 + own - 65000},
                  .peer_as = {other},
                  .families = {.ipv4 = true, .ipv6 = true},
                  .hold_time = std::chrono::seconds(9),
                  .connect_retry = std::chrono::seconds(1),
                  .graceful_restart = bgp::RestartConfig{}};
  peer.rules = {.address = ip(address), .as = {other}, .local_as = {own}};
  peer.rules.imports = {{.prefix = prefix("0.0.0.0/0"), .min_length = 0, .max_length = 32},
                        {.prefix = prefix("::/0"), .min_length = 0, .max_length = 128}};
  peer.rules.own_routes = {{.tag = kTag}};
  const std::string last = own == 65001 ? "1" : "2";
  peer.next_hop = {.ipv4 = ip("10.60.0." + last), .ipv6 = ip("fd60::" + last)};
  return peer;
}

}  // namespace

PeerSettings peer_b(std::string_view address) { return peer_settings("b", address, 65001, 65002); }

Settings settings_a(std::vector<PeerSettings> peers) {
  Settings settings{
      .speaker = {.as = {65001}, .router_id = {0x0a3c0001}, .cluster_id = {0x0a3c0001}},
      .peers = std::move(peers)};
  settings.routes = {{.prefix = prefix("10.1.0.0/24"), .tag = kTag},
                     {.prefix = prefix("2001:db8:1::/64"), .tag = kTag}};
  return settings;
}

Settings settings_b() {
  Settings settings{
      .speaker = {.as = {65002}, .router_id = {0x0a3c0002}, .cluster_id = {0x0a3c0002}},
      .peers = {peer_settings("a", "10.60.0.1", 65002, 65001)}};
  settings.routes = {{.prefix = prefix("10.101.0.0/24"), .tag = kTag},
                     {.prefix = prefix("2001:db8:101::/64"), .tag = kTag}};
  return settings;
}

std::string bird_config(const std::string& options, const std::string& routes) {
  return fmt::format(R"(protocol static s4 {{ ipv4; {} }}
protocol static s6 {{ ipv6; route 2001:db8:101::/64 blackhole; }}
protocol bgp a {{
  local 10.60.0.2 as 65002;
  neighbor 10.60.0.1 as 65001;
  hold time 9; connect delay time 1; connect retry time 1; error wait time 1, 2; error forget time 1;
  graceful restart on;
  {}
  ipv4 {{ import all; export where proto = "s4"; next hop self; }};
  ipv6 {{ import all; export where proto = "s6"; next hop address fd60::2; }};
}}
)",
                     routes, options);
}

BgpWorld::BgpWorld() {
  connect_namespaces(a, "e0", b, "e0");
  a.ip("addr add 10.60.0.1/24 dev e0");
  b.ip("addr add 10.60.0.2/24 dev e0");
  a.ip("addr add fd60::1/64 dev e0 nodad");
  b.ip("addr add fd60::2/64 dev e0 nodad");
}

void BgpWorld::SetUp() {
  // The speaker is nobody, and reads its own executable.
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
}

std::string BgpWorld::text_of_log() const {
  std::ifstream file(log_of_a());
  return {std::istreambuf_iterator<char>(file), {}};
}

void BgpWorld::TearDown() {
  if (HasFailure()) std::cerr << text_of_log();
}

void BgpWithBird::SetUp() {
  BgpWorld::SetUp();
  if (!Bird::is_installed()) GTEST_SKIP() << "bird2 is not installed";
}

}  // namespace fairlead::test
