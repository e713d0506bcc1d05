// Questions and answers of ARP and NDP, as libtins reads them.
#include "bench/pktgen/neighbour.hpp"

#include <gtest/gtest.h>
#include <tins/tins.h>

namespace fairlead::bench::pktgen {
namespace {

const Mac kAsker = *parse_mac("02:00:00:00:00:01"), kOwner = *parse_mac("02:00:00:00:00:02");
const Ip kOwn4 = *parse_ip("198.18.0.1"), kAsker4 = *parse_ip("198.18.0.250");
const Ip kOwn6 = *parse_ip("2001:db8::11:2233"), kAsker6 = *parse_ip("2001:db8::1");

TEST(Neighbour, AQuestionIsAnsweredByWhoHasTheAddress) {
  for (const auto& [wanted, asker] : {std::pair(kOwn4, kAsker4), std::pair(kOwn6, kAsker6)}) {
    const auto question = ask_for(wanted, asker, kAsker);
    const std::vector<Ip> own{kOwn4, kOwn6};
    const auto said = answer(question, own, kOwner);
    ASSERT_TRUE(said) << to_string(wanted);
    EXPECT_EQ(read_answer(*said, wanted), kOwner);
    EXPECT_FALSE(read_answer(*said, asker));
    EXPECT_FALSE(answer(*said, own, kOwner)) << "an answer is no question";
    const std::vector<Ip> others{asker};
    EXPECT_FALSE(answer(question, others, kOwner));
  }
}

TEST(Neighbour, ArpIsAsLibtinsWritesIt) {
  const auto question = ask_for(kOwn4, kAsker4, kAsker);
  const Tins::EthernetII read(question.data(), static_cast<std::uint32_t>(question.size()));
  EXPECT_EQ(read.dst_addr().to_string(), "ff:ff:ff:ff:ff:ff");
  const auto& arp = read.rfind_pdu<Tins::ARP>();
  EXPECT_EQ(arp.opcode(), Tins::ARP::REQUEST);
  EXPECT_EQ(arp.sender_ip_addr().to_string(), "198.18.0.250");
  EXPECT_EQ(arp.target_ip_addr().to_string(), "198.18.0.1");
  EXPECT_EQ(arp.sender_hw_addr().to_string(), "02:00:00:00:00:01");
}

TEST(Neighbour, NdpIsAsLibtinsWritesIt) {
  const auto question = ask_for(kOwn6, kAsker6, kAsker);
  Tins::EthernetII read(question.data(), static_cast<std::uint32_t>(question.size()));
  EXPECT_EQ(read.dst_addr().to_string(), "33:33:ff:11:22:33");
  EXPECT_EQ(read.rfind_pdu<Tins::IPv6>().dst_addr().to_string(), "ff02::1:ff11:2233");
  EXPECT_EQ(read.rfind_pdu<Tins::ICMPv6>().target_addr().to_string(), "2001:db8::11:2233");
  EXPECT_EQ(read.serialize(), question) << "checksum";
  const auto said = *answer(question, std::vector<Ip>{kOwn6}, kOwner);
  Tins::EthernetII answered(said.data(), static_cast<std::uint32_t>(said.size()));
  EXPECT_EQ(answered.rfind_pdu<Tins::ICMPv6>().type(), Tins::ICMPv6::NEIGHBOUR_ADVERT);
  EXPECT_EQ(answered.serialize(), said);
}

TEST(Neighbour, WhatIsCutOffIsNeitherQuestionNorAnswer) {
  const auto question = ask_for(kOwn6, kAsker6, kAsker);
  const auto said = *answer(question, std::vector<Ip>{kOwn6}, kOwner);
  const std::vector<Ip> own{kOwn6};
  for (std::size_t bytes = 0; bytes < kEthernetBytes + 40 + 24; ++bytes) {
    EXPECT_FALSE(answer(Bytes(question).first(bytes), own, kOwner));
    EXPECT_FALSE(read_answer(Bytes(said).first(bytes), kOwn6));
  }
}

}  // namespace
}  // namespace fairlead::bench::pktgen
