// The objects that configure BGP: decoded and handed on, and cheap where a server has no such
// kinds.
#include "controlplane-client/bgp_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_collection.hpp"
#include "loop.hpp"
#include "mirror.hpp"

namespace fairlead::client::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct BgpRecorder final : BgpSink {
  void address_pool(AddressPool pool) override { pools[pool.name] = pool; }
  void address_pool_gone(const std::string& name) override { pools.erase(name); }
  void peer(BgpPeer peer) override { peers[peer.name] = peer; }
  void peer_gone(const std::string& name) override { peers.erase(name); }
  void advertisement(BgpAdvertisement made) override { advertisements[made.name] = made; }
  void advertisement_gone(const std::string& name) override { advertisements.erase(name); }
  void synced(BgpResource resource) override { synced_resources.push_back(resource); }
  void problem(const Problem& problem, Severity) override {
    problems.push_back(problem.object + ": " + problem.field + ' ' + problem.message);
  }
  void problem_gone(const std::string& object) override { well.push_back(object); }

  std::map<std::string, AddressPool> pools;
  std::map<std::string, BgpPeer> peers;
  std::map<std::string, BgpAdvertisement> advertisements;
  std::vector<BgpResource> synced_resources;
  std::vector<std::string> problems, well;
};

struct BgpWatchTest : testing::Test {
  boost::asio::io_context io;
  FakeCollection pools{io, "AddressPool"}, peers{io, "BGPPeer"},
      advertisements{io, "BGPAdvertisement"};
  bool has_kinds = true;
  unsigned refusals = 0;
  TestServer server{io, [this](Exchange& exchange) { return route(exchange); }};
  BgpRecorder recorder;

  Task route(Exchange& exchange) {
    const std::string base = "/apis/fairlead.io/v1alpha1/";
    if (has_kinds && exchange.path == base + "addresspools") return pools.serve(exchange);
    if (has_kinds && exchange.path == base + "bgppeers") return peers.serve(exchange);
    if (has_kinds && exchange.path == base + "bgpadvertisements") {
      return advertisements.serve(exchange);
    }
    ++refusals;
    return exchange.reply(404, "404 page not found");
  }
  BgpWatchOptions options(std::chrono::milliseconds retry_absent) {
    BgpWatchOptions options;
    options.config = config_for(server.url());
    options.timing = quick();
    options.retry_absent = retry_absent;
    return options;
  }
  void set_all() {
    pools.set({"", "public"}, R"("spec":{"addresses":["192.0.2.0/24"]})");
    peers.set({"", "rack"}, R"("spec":{"address":"192.0.2.1","asn":65000})");
    advertisements.set({"", "all"}, R"("spec":{"routes":["PodCIDR"]})");
  }
};

TEST_F(BgpWatchTest, HandsOnDecodedObjectsAndTheirEnd) {
  set_all();
  BgpWatch watch(io.get_executor(), options(std::chrono::minutes(1)), recorder);
  watch.start();
  eventually(io, [&] { return recorder.synced_resources.size() == 3; });
  EXPECT_TRUE(watch.synced());
  EXPECT_TRUE(recorder.pools.contains("public"));
  EXPECT_EQ(recorder.peers.at("rack").asn, 65000U);
  EXPECT_TRUE(recorder.advertisements.at("all").pod_cidrs);
  EXPECT_THAT(recorder.problems, IsEmpty());
  peers.set({"", "rack"}, R"("spec":{"address":"192.0.2.1"})");
  eventually(io, [&] { return !recorder.problems.empty(); });
  EXPECT_THAT(recorder.problems, ElementsAre(HasSubstr("BGPPeer rack: spec.asn: missing")));
  EXPECT_EQ(recorder.peers.at("rack").asn, 65000U) << "the last good one stays";
  peers.remove({"", "rack"});
  pools.remove({"", "public"});
  eventually(io, [&] { return recorder.peers.empty() && recorder.pools.empty(); });
}

TEST_F(BgpWatchTest, AServerWithoutTheKindsHasNoneOfThemAndIsAskedOnce) {
  has_kinds = false;
  BgpWatch watch(io.get_executor(), options(std::chrono::minutes(1)), recorder);
  watch.start();
  eventually(io, [&] { return recorder.synced_resources.size() == 3; });
  for (int turn = 0; turn < 100; ++turn) io.poll();
  EXPECT_TRUE(watch.synced());
  EXPECT_EQ(refusals, 3U);
  EXPECT_THAT(recorder.problems, IsEmpty());
}

TEST_F(BgpWatchTest, KindsThatAreInstalledLaterAreFound) {
  has_kinds = false;
  set_all();
  BgpWatch watch(io.get_executor(), options(std::chrono::milliseconds(5)), recorder);
  watch.start();
  eventually(io, [&] { return refusals >= 6; });
  EXPECT_THAT(recorder.peers, IsEmpty());
  has_kinds = true;
  eventually(io, [&] { return recorder.peers.contains("rack") && recorder.pools.size() == 1; });
  EXPECT_EQ(recorder.synced_resources.size(), 3U) << "said once";
}

TEST_F(BgpWatchTest, WhatIsKnownStaysWhileTheServerSaysThatItHasNoSuchKind) {
  set_all();
  BgpWatch watch(io.get_executor(), options(std::chrono::milliseconds(5)), recorder);
  watch.start();
  eventually(io, [&] { return recorder.synced_resources.size() == 3; });
  has_kinds = false;
  pools.end_watches(), peers.end_watches(), advertisements.end_watches();
  eventually(io, [&] { return refusals >= 12; });
  EXPECT_TRUE(recorder.peers.contains("rack") && recorder.pools.contains("public"));
  EXPECT_FALSE(recorder.problems.empty());
  has_kinds = true;
  eventually(io, [&] { return recorder.well.size() == 3; });
  EXPECT_TRUE(recorder.peers.contains("rack"));
}

}  // namespace
}  // namespace fairlead::client::test
