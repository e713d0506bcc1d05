// What the node answers of its interfaces, so that a new flow need not ask for them.
#include "dataplane/ebpf/interfaces.hpp"

#include <gtest/gtest.h>

namespace fairlead::ebpf {
namespace {

Ip ip(const char* text) { return parse_ip(text).value(); }

NetworkLink link(int index, const char* name, std::vector<Ip> addresses) {
  NetworkLink link;
  link.index = index;
  link.name = name;
  link.addresses = addresses;
  link.global_addresses = std::move(addresses);
  return link;
}

const Network kNetwork{.links = {link(2, "cni0", {ip("10.244.0.1")}),
                                 link(3, "eth0", {ip("192.0.2.1"), ip("fd00::1")}),
                                 link(4, "eth1", {ip("198.51.100.1")})},
                       .default_routes = {3}};

TEST(NodeInterface, IsTheLinkThatHasTheNodesAddresses) {
  const fl_config config = config_of({}, kNetwork, {}, 1);
  EXPECT_EQ(config.node_interface, 3U);
  EXPECT_EQ(config.node_interface_families, 3U);
}

TEST(NodeInterface, IsNoneForAnAddressThatIsNotTheFirstOfItsLink) {
  NodeSettings node;
  node.node_port_addresses = {ip("192.0.2.7")};
  Network network = kNetwork;
  network.links[1].global_addresses = {ip("192.0.2.1"), ip("192.0.2.7")};
  EXPECT_EQ(config_of(node, network, {}, 1).node_interface_families, 0U);
}

TEST(NodeInterface, IsOneThatItsNumberHasRoomFor) {
  Network network = kNetwork;
  network.links[1].index = 0x10003;
  network.default_routes = {0x10003};
  EXPECT_EQ(config_of({}, network, {}, 1).node_interface_families, 0U);
}

TEST(InternalInterfaces, AreSaidToBeNoneOnlyWhereThereAreNone) {
  EXPECT_TRUE(config_of({}, kNetwork, {}, 1).no_internal_interfaces);
  NodeSettings node;
  node.detect_local.mode = DetectLocal::Mode::kInterface;
  node.detect_local.interface = "cni0";
  EXPECT_FALSE(config_of(node, kNetwork, {}, 1).no_internal_interfaces);
}

}  // namespace
}  // namespace fairlead::ebpf
