// A hundred thousand prefixes of three hundred sets of attributes: what they cost is printed.
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <iostream>

#include "dataplane/bgp/decode.hpp"
#include "dataplane/bgp/encode.hpp"
#include "dataplane/bgp/framer.hpp"
#include "tests/unit/bgp/table_world.hpp"

namespace fairlead::bgp {
namespace {

using namespace world;

constexpr std::uint32_t kPrefixes = 100'000, kSets = 300;

/// 10.0.0.0/24 and those that follow.
Prefix nth_prefix(std::uint32_t i) {
  const std::uint32_t number = 0x0a000000U + (i << 8);
  Ip base = ip_from_v4({});
  for (std::size_t byte = 0; byte < 4; ++byte)
    base.bytes[12 + byte] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
  return {.base = base, .length = 24};
}

Bytes everything(const std::string& next_hop, std::uint32_t as, const Negotiated& negotiated) {
  Bytes stream;
  for (std::uint32_t set = 0; set < kSets; ++set) {
    std::vector<Prefix> prefixes;
    for (std::uint32_t i = set; i < kPrefixes; i += kSets) prefixes.push_back(nth_prefix(i));
    const auto attributes = via(next_hop, {as, 65100 + set, 65500});
    EXPECT_TRUE(encode_announcement(Family::kIpv4, attributes, prefixes, negotiated, stream));
  }
  return stream;
}

void feed(RoutingTable& table, PeerId peer, const Bytes& stream, const Negotiated& negotiated) {
  Framer framer;
  framer.feed(stream);
  for (auto next = framer.next(); next && *next; next = framer.next())
    table.receive(peer, std::get<Update>(*decode(**next, negotiated)));
}

template <class Work>
void report(const char* what, Work work) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  const auto bytes = static_cast<std::int64_t>(mallinfo2().uordblks);
  const auto begin = std::chrono::steady_clock::now();
  work();
  const Milliseconds took = std::chrono::steady_clock::now() - begin;
  const auto grown = static_cast<std::int64_t>(mallinfo2().uordblks) - bytes;
  std::cout << what << ": " << took.count() << " ms, " << grown / kPrefixes
            << " more bytes a prefix\n";
}

TEST(TableSize, AHundredThousandPrefixesComeAreToldAndGo) {
  World world;
  PeerRules many = rules(65001, 2);
  many.max_prefixes = kPrefixes;
  PeerRules more = rules(65002, 3);
  more.max_prefixes = kPrefixes;
  const PeerId left = world.add(many, 2);
  const PeerId right = world.add(more, 3);
  const auto& negotiated = session(many, 2).negotiated;
  const Bytes from_left = everything("10.0.0.2", 65001, negotiated);
  const Bytes from_right = everything("10.0.0.3", 65002, negotiated);
  report("from one peer, bytes to routes", [&] {
    feed(world.table, left, from_left, negotiated);
    EXPECT_EQ(world.table.flush().routes.size(), kPrefixes);
  });
  report("the same from a second peer", [&] {
    feed(world.table, right, from_right, negotiated);
    EXPECT_EQ(world.table.flush().routes.size(), kPrefixes);
  });
  EXPECT_EQ(world.table.attribute_sets(), 2 * kSets);
  EXPECT_EQ(world.ways("10.0.7.0/24"), "10.0.0.2 10.0.0.3");
  report("told to an internal peer, routes to bytes", [&] {
    const PeerId listener = world.internal(4);
    const auto changes = world.table.flush();
    Bytes out;
    EXPECT_TRUE(encode(*of(changes, listener), negotiated, out).empty());
  });
  report("the first peer's loss", [&] {
    world.table.session_down(left);
    EXPECT_EQ(world.table.flush().routes.size(), kPrefixes);
  });
  report("the second peer's loss", [&] {
    world.table.session_down(right);
    EXPECT_EQ(world.table.flush().routes.size(), kPrefixes);
  });
  EXPECT_TRUE(world.table.destinations().empty());
}

}  // namespace
}  // namespace fairlead::bgp
