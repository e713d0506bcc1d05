// Whose VXLAN is taken, and who is masqueraded.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "tests/netns/podnet/fleet.hpp"

namespace fairlead::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Echo requests that the pod of a node has seen.
std::string echoes(const FleetNode& node) {
  return node.pod.output_of("sh -c 'grep Icmp: /proc/net/snmp | tail -1 | cut -d\" \" -f10'");
}

/// Sends a datagram that begins as VXLAN of a VNI to an open port; whether it arrived.
bool vxlan_arrives(const Namespace& from, const Namespace& to, const char* address,
                   std::uint32_t vni) {
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(4789);
  inet_pton(AF_INET, address, &target.sin_addr);
  Fd receiver;
  to.run([&] {
    receiver = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(receiver.get(), reinterpret_cast<sockaddr*>(&target), sizeof(target)), 0);
  });
  from.run([&] {
    const Fd sender(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::array<std::uint8_t, 64> packet{0x08};
    packet[5] = static_cast<std::uint8_t>(vni >> 8);
    packet[6] = static_cast<std::uint8_t>(vni);
    ::sendto(sender.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&target),
             sizeof(target));
    packet[6] = static_cast<std::uint8_t>(vni + 1);
    ::sendto(sender.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&target),
             sizeof(target));
  });
  // The second, with another VNI, is not ours and always arrives, behind the first.
  std::array<std::uint8_t, 64> first{};
  pollfd waiting{receiver.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 5000), 1) << "another VNI on the same port is held back";
  ::recv(receiver.get(), first.data(), first.size(), 0);
  return first[6] == static_cast<std::uint8_t>(vni);
}

void put_sum(std::span<std::uint8_t> header, std::size_t at) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < header.size(); i += 2) sum += header[i] << 8 | header[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  header[at] = static_cast<std::uint8_t>(~sum >> 8);
  header[at + 1] = static_cast<std::uint8_t>(~sum);
}

std::vector<std::uint8_t> ipv4_header(const Ip& from, const Ip& to, std::uint8_t protocol,
                                      std::size_t payload) {
  std::vector<std::uint8_t> header(20);
  header[0] = 0x45;
  header[3] = static_cast<std::uint8_t>(20 + payload);
  header[8] = 64;
  header[9] = protocol;
  std::copy_n(from.bytes.end() - 4, 4, header.begin() + 12);
  std::copy_n(to.bytes.end() - 4, 4, header.begin() + 16);
  put_sum(header, 10);
  return header;
}

/// An echo request to the first node's pod in VXLAN, behind UDP's header.
std::vector<std::uint8_t> tunnelled_echo() {
  std::vector<std::uint8_t> bytes{0x08, 0, 0, 0, 0, 0, 201, 0};
  const podnet::Mac to = podnet::vtep_mac("node-1");
  bytes.insert(bytes.end(), to.begin(), to.end());
  bytes.insert(bytes.end(), {0x02, 0, 0, 0, 0, 9, 0x08, 0x00});
  std::vector<std::uint8_t> echo{8, 0, 0, 0, 0, 1, 0, 1};
  put_sum(echo, 2);
  const auto header = ipv4_header(ip_of("10.244.9.9"), ip_of("10.244.1.10"), 1, echo.size());
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), echo.begin(), echo.end());
  return bytes;
}

/// That in two pieces, of which the first ends behind UDP's header.
void send_in_pieces(const Namespace& from, std::uint8_t id) {
  const std::vector<std::uint8_t> rest = tunnelled_echo();
  const std::vector<std::uint8_t> udp{
      0x30, 0x39, 0x12, 0xb5, 0, static_cast<std::uint8_t>(8 + rest.size()), 0, 0};
  const Ip source = ip_of("192.0.2.250"), target = ip_of("192.0.2.1");
  const auto send = [&](const std::vector<std::uint8_t>& payload, std::uint8_t flags,
                        std::uint8_t offset) {
    auto packet = ipv4_header(source, target, 17, payload.size());
    packet[5] = id;
    packet[6] = flags;
    packet[7] = offset;
    packet[10] = packet[11] = 0;
    put_sum(packet, 10);
    packet.insert(packet.end(), payload.begin(), payload.end());
    const Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::copy_n(target.bytes.end() - 4, 4, reinterpret_cast<std::uint8_t*>(&to.sin_addr));
    ASSERT_EQ(::sendto(socket.get(), packet.data(), packet.size(), 0,
                       reinterpret_cast<sockaddr*>(&to), sizeof(to)),
              static_cast<ssize_t>(packet.size()));
  };
  from.run([&] {
    send(udp, 0x20, 0);  // more fragments
    send(rest, 0, 1);    // behind 8 bytes
  });
}

TEST_F(FleetTest, VxlanOfAStrangerInPiecesIsDroppedWithoutConnectionTracking) {
  masquerade.on = false;  // which would put the pieces together before
  apply_all();
  outside.sh("ping -n -c 1 -W 5 192.0.2.1 >/dev/null");
  const std::string before = echoes(*nodes[0]);
  send_in_pieces(outside, 1);
  outside.sh("ping -n -c 1 -W 5 192.0.2.1 >/dev/null");  // behind them
  EXPECT_EQ(echoes(*nodes[0]), before);

  nodes[0]->ns.sh("nft flush ruleset");
  send_in_pieces(outside, 2);
  outside.sh("ping -n -c 1 -W 5 192.0.2.1 >/dev/null");
  EXPECT_NE(echoes(*nodes[0]), before) << "the pieces do not make a packet";
}

TEST_F(FleetTest, VxlanOfAStrangerIsDroppedAndTheSameOfANodeIsTaken) {
  apply_all();
  const std::string mac = nodes[0]->ns.output_of("cat /sys/class/net/flvx0/address").substr(0, 17);
  outside.ip(
      "link add vx type vxlan id 201 dstport 4789 local 192.0.2.250 remote 192.0.2.1 dev eth0");
  outside.ip("link set vx up");
  outside.ip("address add 10.244.9.9/32 dev vx");
  outside.ip("neighbour add 10.244.1.0 lladdr " + mac + " dev vx");
  outside.ip("route add 10.244.1.0/24 via 10.244.1.0 dev vx onlink");
  const std::string before = echoes(*nodes[0]);
  const std::string ping = "sh -c 'ping -n -c 2 -i 0.1 -W 1 10.244.1.10 || true'";
  outside.sh(ping + " >/dev/null");
  EXPECT_EQ(echoes(*nodes[0]), before);
  EXPECT_THAT(nodes[0]->ns.output_of("nft list chain inet fairlead-pods vxlan"),
              testing::ContainsRegex("counter packets [1-9].* drop comment \"from nobody"));

  Node known;
  known.name = "known";
  known.addresses = {ip_of("192.0.2.250")};
  known.pod_cidrs = {cidr_of("10.244.9.0/24")};
  objects[known.name] = known;
  const auto report = nodes[0]->apply(plan(*nodes[0]));
  EXPECT_EQ(report.rules_written, 2U);  // its address, and its podCIDR as one of the cluster
  outside.sh(ping + " >/dev/null");
  EXPECT_NE(echoes(*nodes[0]), before);
}

TEST_F(FleetTest, APodSendsNoVxlanOfOurVniToAnybody) {
  masquerade.on = false;
  outside.ip("route add 10.244.1.0/24 via 192.0.2.1");
  nodes[0]->ns.sh("sysctl -qw net.ipv4.ip_forward=1");
  EXPECT_TRUE(vxlan_arrives(nodes[0]->pod, outside, "192.0.2.250", 201));
  apply_all();
  EXPECT_FALSE(vxlan_arrives(nodes[0]->pod, outside, "192.0.2.250", 201));
  // A node's own, and what it forwards of others, are not a pod's.
  EXPECT_TRUE(vxlan_arrives(nodes[0]->ns, outside, "192.0.2.250", 201));
}

TEST_F(FleetTest, OverIpv6StrangersAreDroppedToo) {
  options.underlay = Family::kIpv6;
  apply_all();
  expect_pods_reach_each_other(Family::kIpv4);
  const std::string mac = nodes[0]->ns.output_of("cat /sys/class/net/flvx0/address").substr(0, 17);
  outside.ip(
      "link add vx type vxlan id 201 dstport 4789 local 2001:db8::250 remote 2001:db8::1 dev eth0");
  outside.ip("link set vx up");
  outside.ip("address add 10.244.9.9/32 dev vx");
  outside.ip("neighbour add 10.244.1.0 lladdr " + mac + " dev vx");
  outside.ip("route add 10.244.1.0/24 via 10.244.1.0 dev vx onlink");
  const std::string before = echoes(*nodes[0]);
  outside.sh("sh -c 'ping -n -c 2 -i 0.1 -W 1 10.244.1.10 >/dev/null || true'");
  EXPECT_EQ(echoes(*nodes[0]), before);
  EXPECT_THAT(nodes[0]->ns.output_of("nft list chain inet fairlead-pods vxlan"),
              testing::ContainsRegex("counter packets [1-9].* drop comment \"from nobody"));
}

TEST_F(FleetTest, AnotherVniOnTheSamePortIsTakenFromAnybody) {
  apply_all();
  nodes[0]->ns.ip("link add vx type vxlan id 202 dstport 4789 local 192.0.2.1 remote 192.0.2.250");
  outside.ip("link add vx type vxlan id 202 dstport 4789 local 192.0.2.250 remote 192.0.2.1");
  nodes[0]->ns.ip("address add 203.0.113.1/24 dev vx");
  outside.ip("address add 203.0.113.2/24 dev vx");
  nodes[0]->ns.ip("link set vx up");
  outside.ip("link set vx up");
  EXPECT_THAT(outside.output_of("ping -n -c 1 -W 5 203.0.113.1"), HasSubstr(" 0% packet loss"));
}

TEST_F(FleetTest, WhatLeavesTheClusterIsMasqueradedAndNothingElse) {
  apply_all();
  const Namespace& pod = nodes[0]->pod;
  EXPECT_EQ(source_seen(pod, ip_of("192.0.2.250")), "192.0.2.1");
  EXPECT_EQ(source_seen(pod, ip_of("2001:db8::250")), "2001:db8::1");
  for (const Family family : {Family::kIpv4, Family::kIpv6}) expect_pods_reach_each_other(family);
  EXPECT_EQ(source_seen(nodes[0]->ns, nodes[0]->pod_address(Family::kIpv4)), "192.0.2.1");
}

TEST_F(FleetTest, ExceptionsAreReachedWithThePodsOwnAddress) {
  outside.ip("route add 10.244.1.0/24 via 192.0.2.1");
  outside.ip("-6 route add fd00:244:1::/64 via 2001:db8::1");
  masquerade.except = {cidr_of("192.0.2.128/25"), cidr_of("2001:db8::/32"),
                       cidr_of("192.0.2.192/26"), cidr_of("10.244.0.0/16")};
  apply_all();
  const Namespace& pod = nodes[0]->pod;
  EXPECT_EQ(source_seen(pod, ip_of("192.0.2.250")), "10.244.1.10");
  EXPECT_EQ(source_seen(pod, ip_of("2001:db8::250")), "fd00:244:1::10");
  // A narrower one that is within a wider one comes and goes without the wider one.
  masquerade.except = {cidr_of("192.0.2.192/26")};
  apply_all();
  EXPECT_EQ(source_seen(pod, ip_of("192.0.2.250")), "10.244.1.10");
  EXPECT_EQ(source_seen(pod, ip_of("2001:db8::250")), "2001:db8::1");
  masquerade.on = false;
  apply_all();
  EXPECT_EQ(source_seen(pod, ip_of("2001:db8::250")), "fd00:244:1::10");
}

TEST_F(FleetTest, TheDatapathsTableIsNotTouched) {
  nodes[0]->ns.sh("nft add table inet fairlead");
  nodes[0]->ns.sh("nft add set inet fairlead s '{ type ipv4_addr; }'");
  nodes[0]->ns.sh("nft add element inet fairlead s '{ 10.0.0.1 }'");
  nodes[0]->ns.sh("nft add chain inet fairlead c '{ type nat hook postrouting priority 95; }'");
  nodes[0]->ns.sh("nft add rule inet fairlead c ip saddr @s counter");
  const auto table = [&] { return nodes[0]->ns.output_of("nft list table inet fairlead"); };
  const std::string before = table();
  apply_all();
  EXPECT_EQ(table(), before);
  nodes[0]->clean_up();
  EXPECT_EQ(table(), before);
}

}  // namespace
}  // namespace fairlead::test
