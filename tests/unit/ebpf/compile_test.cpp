// A ServicePlan becomes rows and one block, as the programs read them (bpf/abi/frontends.h).
#include "dataplane/ebpf/compile.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <set>

namespace fairlead::ebpf {
namespace {

Ip ip(const char* text) { return parse_ip(text).value(); }
Cidr cidr(const char* text) { return parse_cidr(text).value(); }

constexpr Verdict kLocalForward{Action::kForward, BackendGroup::kLocal, false};
constexpr Verdict kMasqueraded{Action::kForward, BackendGroup::kCluster, true};
constexpr Verdict kPlain{Action::kForward, BackendGroup::kCluster, false};
constexpr Verdict kRefuse{Action::kReject, BackendGroup::kCluster, false};
constexpr Verdict kDrop{Action::kDrop, BackendGroup::kCluster, false};

ServicePlan web() {
  ServicePlan plan;
  plan.name = {{"default", "web"}, "http", Protocol::kTcp, Family::kIpv4};
  plan.cluster_backends = {{.address = ip("10.0.0.1"), .port = {80}, .local = true},
                           {.address = ip("10.0.0.2"), .port = {80}}};
  plan.local_backends = {{.address = ip("10.0.0.1"), .port = {80}, .local = true}};
  plan.frontends = {{.kind = FrontendKind::kClusterIp,
                     .address = ip("10.96.0.1"),
                     .port = {80},
                     .verdicts = {kPlain, kMasqueraded, kMasqueraded},
                     .source_ranges = {}}};
  return plan;
}

fl_groups groups_of(const Block& block) {
  fl_groups groups;
  std::memcpy(&groups, &block[1], sizeof(groups));
  return groups;
}
fl_header header_of(const Block& block) {
  fl_header header;
  std::memcpy(&header, block.data(), sizeof(header));
  return header;
}

TEST(Compile, PutsTheVerdictOfEachScopeInItsFourBits) {
  ServicePlan plan = web();
  plan.frontends[0].verdicts = {kLocalForward, kDrop, kRefuse};
  const PortTables tables = compile(plan);
  ASSERT_EQ(tables.rows.size(), 1U);
  EXPECT_EQ(tables.rows[0].low & 0xf, FL_VERDICT_LOCAL);
  EXPECT_EQ(tables.rows[0].low >> 4 & 0xf, FL_ACTION_DROP);
  EXPECT_EQ(tables.rows[0].low >> 8 & 0xf, FL_ACTION_REJECT);
  EXPECT_EQ(tables.rows[0].low >> FL_WORD_TAG_SHIFT, fl_frontend_tag(&tables.rows[0].key));
  EXPECT_EQ(word_of(tables.rows[0], 77) >> FL_WORD_BLOCK_SHIFT, 77U);
}

TEST(Compile, MarksWhatIsReachedFromOutsideAndWhatHasRanges) {
  ServicePlan plan = web();
  Frontend balancer = plan.frontends[0];
  balancer.kind = FrontendKind::kLoadBalancer;
  balancer.address = ip("192.0.2.1");
  balancer.source_ranges = {cidr("198.51.100.0/24")};
  plan.frontends.push_back(balancer);
  const PortTables tables = compile(plan);
  ASSERT_EQ(tables.rows.size(), 2U);
  const auto both = static_cast<std::uint32_t>(FL_FRONTEND_EXTERNAL) | FL_FRONTEND_RANGES;
  for (const FrontendRow& row : tables.rows)
    EXPECT_EQ(row.low & both, row.is_cluster_ip ? 0U : both);
  ASSERT_EQ(tables.ranges.size(), 1U);
  EXPECT_EQ(tables.ranges[0].prefix_length, FL_RANGE_PREFIX + 96U + 24U);
}

TEST(Compile, LaysOutABlockThatSaysWhereEverythingIs) {
  const ServicePlan plan = web();
  const Block block = compile_block(plan, kMaglevSlots);
  const fl_header header = header_of(block);
  EXPECT_EQ(header.records, block.size());
  EXPECT_EQ(header.service, service_id(plan.name));
  EXPECT_EQ(header.protocol, 6);
  EXPECT_EQ(header.family, 4);
  const fl_groups groups = groups_of(block);
  EXPECT_EQ(groups.group[0].count, 2U);
  EXPECT_EQ(groups.group[1].count, 1U);
  EXPECT_EQ(groups.group[0].maglev_size, 0U) << "nobody comes from outside";
  const auto backends = backends_in(block);
  ASSERT_EQ(backends.size(), 3U);
  EXPECT_EQ(backends[0].bits, FL_BACKEND_LOCAL);
  EXPECT_EQ(backends[1].bits, 0U);
  EXPECT_EQ(ntohs(backends[1].port), 80);
}

TEST(Compile, GivesAMaglevTableToTheGroupsThatTheOutsideReaches) {
  ServicePlan plan = web();
  plan.frontends[0].kind = FrontendKind::kNodePort;
  const fl_groups groups = groups_of(compile_block(plan, kMaglevSlots));
  EXPECT_EQ(groups.group[0].maglev_size, 251U);
  EXPECT_EQ(groups.group[1].maglev_size, 0U) << "no verdict leads there, and it has one backend";
  EXPECT_EQ(groups_of(compile_block(plan, 0)).group[0].maglev_size, 0U);
}

TEST(Compile, GivesAMaglevTableWhereWeightsDifferAndWhereTheServiceAsks) {
  ServicePlan plan = web();
  plan.cluster_backends[1].weight = 3;
  const Block weighted = compile_block(plan, kMaglevSlots);
  EXPECT_EQ(groups_of(weighted).group[0].maglev_size, 251U);
  EXPECT_EQ(header_of(weighted).bits, FL_BLOCK_WEIGHTED);
  plan = web();
  plan.algorithm = Algorithm::kMaglev;
  const Block asked = compile_block(plan, kMaglevSlots);
  EXPECT_EQ(groups_of(asked).group[0].maglev_size, 251U);
  EXPECT_EQ(header_of(asked).algorithm, FL_ALGORITHM_MAGLEV);
}

TEST(Compile, RemembersMembersOnlyWhereThereIsAffinity) {
  ServicePlan plan = web();
  EXPECT_TRUE(compile(plan).members.empty());
  plan.affinity = std::chrono::seconds(60);
  EXPECT_EQ(compile(plan).members.size(), 3U);
  EXPECT_EQ(header_of(compile_block(plan, 0)).affinity_seconds, 60U);
}

TEST(Compile, IsTheSameBlockWhateverRoundRobinHasCounted) {
  const Block block = compile_block(web(), kMaglevSlots);
  Block counted = block;
  fl_header header = header_of(block);
  header.next = 12345;
  std::memcpy(counted.data(), &header, sizeof(header));
  EXPECT_TRUE(same_block(block, counted));
  ServicePlan other = web();
  other.cluster_backends.pop_back();
  EXPECT_FALSE(same_block(block, compile_block(other, kMaglevSlots)));
}

TEST(Compile, FindsNoBlockWhereThereIsNone) {
  std::vector<fl_record> records(20);
  EXPECT_TRUE(block_at(records, 0).empty());
  EXPECT_TRUE(block_at(records, 5).empty()) << "zeroes";
  EXPECT_TRUE(block_at(records, 99).empty());
  const Block block = compile_block(web(), 0);
  std::ranges::copy(block, records.begin() + 3);
  EXPECT_EQ(block_at(records, 3).size(), block.size());
  EXPECT_TRUE(block_at(std::span(records).first(6), 3).empty()) << "it ends behind the map";
}

TEST(Compile, GivesAnIdThatDependsOnNothingButTheName) {
  std::set<std::uint64_t> ids;
  for (const char* service : {"a", "b"})
    for (const char* port : {"", "http", "a"})
      for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp})
        for (const Family family : {Family::kIpv4, Family::kIpv6})
          ids.insert(service_id({{"ns", service}, port, protocol, family}));
  EXPECT_EQ(ids.size(), 24U);
  EXPECT_NE(service_id({{"a", "bc"}, "", Protocol::kTcp, Family::kIpv4}),
            service_id({{"ab", "c"}, "", Protocol::kTcp, Family::kIpv4}));
}

TEST(Compile, MakesPrefixesOfBothFamilies) {
  const fl_prefix v4 = prefix_of(cidr("10.8.0.0/13"));
  EXPECT_EQ(v4.mask.word[3], htonl(0xfff80000));
  EXPECT_EQ(v4.mask.word[0], 0xffffffff);
  EXPECT_EQ(ip_of(v4.address), ip("10.8.0.0"));
  EXPECT_EQ(prefix_of(cidr("fd00::/8")).mask.word[0], htonl(0xff000000));
}

}  // namespace
}  // namespace fairlead::ebpf
