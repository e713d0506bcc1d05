// Links as values -> the one by which an address is answered for.
#include "dataplane/layer2/links.hpp"

#include <gtest/gtest.h>

namespace fairlead::layer2 {
namespace {

Ip ip(std::string_view text) { return parse_ip(text).value(); }

EthernetLink link(int index, std::vector<std::pair<std::string_view, int>> addresses) {
  EthernetLink made{.index = index, .name = "eth", .mac = {}, .is_running = true, .addresses = {}};
  for (const auto& [address, length] : addresses)
    made.addresses.push_back({ip(address), static_cast<std::uint8_t>(length)});
  return made;
}

int found(const std::vector<EthernetLink>& links, std::string_view address,
          const std::vector<Ip>& node_addresses = {}) {
  const EthernetLink* one = find_link(links, ip(address), node_addresses);
  return one == nullptr ? 0 : one->index;
}

TEST(FindLink, TheOneWhoseSubnetHasTheAddress) {
  const std::vector<EthernetLink> links{link(1, {{"192.0.2.5", 24}, {"2001:db8:1::5", 64}}),
                                        link(2, {{"198.51.100.5", 24}})};
  EXPECT_EQ(found(links, "192.0.2.77"), 1);
  EXPECT_EQ(found(links, "198.51.100.77"), 2);
  EXPECT_EQ(found(links, "2001:db8:1::77"), 1);
  EXPECT_EQ(found(links, "203.0.113.1"), 0);
}

TEST(FindLink, TheLongestPrefixOfSeveral) {
  const std::vector<EthernetLink> links{link(1, {{"10.0.0.5", 8}}), link(2, {{"10.1.0.5", 23}}),
                                        link(3, {{"10.2.0.5", 16}})};
  EXPECT_EQ(found(links, "10.1.1.9"), 2);
  EXPECT_EQ(found(links, "10.1.2.9"), 1);
}

TEST(FindLink, ElseTheOneOfTheNodesAddressOfTheFamily) {
  const std::vector<EthernetLink> links{link(1, {{"10.9.0.5", 24}}),
                                        link(2, {{"198.51.100.5", 24}, {"2001:db8::5", 64}})};
  const std::vector<Ip> node{ip("198.51.100.5")};
  EXPECT_EQ(found(links, "203.0.113.1", node), 2);
  EXPECT_EQ(found(links, "2001:db8:9::1", node), 0);
}

TEST(FindLink, APodsLinkIsNoSubnet) {
  EXPECT_EQ(found({link(1, {{"192.0.2.5", 32}})}, "192.0.2.5"), 0);
}

TEST(FindLink, NotOneThatIsDown) {
  std::vector<EthernetLink> links{link(1, {{"192.0.2.5", 24}})};
  links[0].is_running = false;
  EXPECT_EQ(found(links, "192.0.2.77", {ip("192.0.2.5")}), 0);
}

TEST(OwnAddress, OfIpv6ALinkLocalOneBeforeOthers) {
  const EthernetLink one = link(1, {{"192.0.2.5", 24}, {"2001:db8::5", 64}, {"fe80::1", 64}});
  EXPECT_EQ(own_address(one, Family::kIpv6), ip("fe80::1"));
  EXPECT_EQ(own_address(one, Family::kIpv4), ip("192.0.2.5"));
  EXPECT_TRUE(own_address(link(2, {}), Family::kIpv4).is_unspecified());
}

}  // namespace
}  // namespace fairlead::layer2
