// The whole client: three resources of one server, decoded.
#include "controlplane-client/cluster_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "fake_collection.hpp"
#include "loop.hpp"
#include "mirror.hpp"

namespace fairlead::client::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Recorder final : ClusterSink {
  void service(Service service) override { services[service.name] = service; }
  void service_gone(const ObjectName& name) override { services.erase(name); }
  void slice(EndpointSlice slice) override { slices[slice.name] = slice; }
  void slice_gone(const ObjectName& name) override { slices.erase(name); }
  void node(Node node) override { nodes[node.name] = node; }
  void node_gone(const std::string& name) override { nodes.erase(name); }
  void synced(Resource resource) override { synced_resources.push_back(resource); }
  void problem(const Problem& problem, Severity) override {
    problems.push_back(problem.object + ": " + problem.field + ' ' + problem.message);
  }
  void problem_gone(const std::string& object) override { well.push_back(object); }

  std::map<ObjectName, Service> services;
  std::map<ObjectName, EndpointSlice> slices;
  std::map<std::string, Node> nodes;
  std::vector<Resource> synced_resources;
  std::vector<std::string> problems, well;
};

struct ClusterWatchTest : testing::Test {
  boost::asio::io_context io;
  FakeCollection services{io, "Service"}, slices{io, "EndpointSlice"}, nodes{io, "Node"};
  std::string slice_versions =
      R"({"groupVersion":"discovery.k8s.io/v1"},{"groupVersion":"discovery.k8s.io/v1beta1"})";
  unsigned discoveries = 0;
  TestServer server{io, [this](Exchange& exchange) { return route(exchange); }};
  Recorder recorder;

  Task route(Exchange& exchange) {
    if (exchange.path == "/apis/discovery.k8s.io") {
      ++discoveries;
      return exchange.reply(200, R"({"kind":"APIGroup","versions":[)" + slice_versions + "]}");
    }
    if (exchange.path == "/api/v1/services") return services.serve(exchange);
    if (exchange.path == "/api/v1/nodes") return nodes.serve(exchange);
    const std::size_t end = exchange.path.rfind("/endpointslices");
    const std::string version = end == std::string::npos ? "" : exchange.path.substr(6, end - 6);
    if (!version.empty() && slice_versions.find('"' + version + '"') != std::string::npos)
      return slices.serve(exchange);
    return exchange.reply(404, "404 page not found");
  }
  ClusterWatchOptions options() {
    ClusterWatchOptions options;
    options.config = config_for(server.url());
    options.timing = quick();
    return options;
  }
  void set_service(const std::string& name, const std::string& address) {
    services.set({"default", name}, R"("spec":{"clusterIP":")" + address + R"(","clusterIPs":[")" +
                                        address + R"("],"ports":[{"port":80,"protocol":"TCP"}]})");
  }
};

TEST_F(ClusterWatchTest, HandsOnDecodedObjectsAndSaysWhenAllWereListed) {
  set_service("web", "10.96.0.10");
  slices.set(
      {"default", "web-1"},
      R"("addressType":"IPv4","ports":[{"port":8080}],"endpoints":[{"addresses":["10.244.1.5"]}])");
  nodes.set({"", "n1"}, R"("status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"}]})");
  ClusterWatch watch(io.get_executor(), options(), recorder);
  watch.start();
  EXPECT_TRUE(recorder.services.empty()) << "nothing is called from inside start()";
  eventually(io, [&] { return recorder.synced_resources.size() == 3; });
  EXPECT_TRUE(watch.synced());
  EXPECT_EQ(to_string(recorder.services.at({"default", "web"}).cluster_ips.at(0)), "10.96.0.10");
  EXPECT_EQ(recorder.slices.size(), 1U);
  EXPECT_EQ(recorder.nodes.size(), 1U);
  EXPECT_EQ(watch.endpoint_slice_version(), "discovery.k8s.io/v1");
  EXPECT_TRUE(recorder.problems.empty()) << recorder.problems.front();
}

TEST_F(ClusterWatchTest, EndsWithoutAnotherWordWhenItIsStopped) {
  set_service("web", "10.96.0.10");
  auto watch = std::make_unique<ClusterWatch>(io.get_executor(), options(), recorder);
  watch->start();
  eventually(io, [&] { return recorder.synced_resources.size() == 3; });
  watch.reset();
  set_service("late", "10.96.0.11");
  server.vanish();
  services.end_watches(), slices.end_watches(), nodes.end_watches();
  eventually(io, [&] { return io.stopped() || io.poll() == 0; });
  EXPECT_FALSE(recorder.services.contains({"default", "late"}));
  EXPECT_TRUE(recorder.problems.empty());
}

TEST_F(ClusterWatchTest, UsesTheOlderVersionOfEndpointSlicesWhereThereIsNoOther) {
  slice_versions = R"({"groupVersion":"discovery.k8s.io/v1beta1"})";
  slices.set({"default", "web-1"}, R"("addressType":"IPv4","ports":[],"endpoints":[])");
  ClusterWatch watch(io.get_executor(), options(), recorder);
  watch.start();
  eventually(io, [&] { return recorder.synced_resources.size() == 3; });
  EXPECT_EQ(watch.endpoint_slice_version(), "discovery.k8s.io/v1beta1");
  // The server is replaced by one that no longer has it.
  slice_versions = R"({"groupVersion":"discovery.k8s.io/v1"})";
  slices.end_watches();
  slices.set({"default", "web-2"}, R"("addressType":"IPv4","ports":[],"endpoints":[])");
  eventually(io, [&] { return recorder.slices.size() == 2; });
  EXPECT_EQ(watch.endpoint_slice_version(), "discovery.k8s.io/v1");
  EXPECT_EQ(discoveries, 2U);
}

TEST_F(ClusterWatchTest, KeepsTheLastGoodVersionOfAnObjectThatCannotBeDecodedAndSaysItOnce) {
  set_service("web", "10.96.0.10");
  ClusterWatch watch(io.get_executor(), options(), recorder);
  watch.start();
  eventually(io, [&] { return recorder.synced_resources.size() == 3; });
  const Service before = recorder.services.at({"default", "web"});
  services.set({"default", "web"}, R"("spec":"nonsense")");
  services.set({"default", "web"}, R"("spec":"nonsense")");
  set_service("other", "10.96.0.11");
  eventually(io, [&] { return recorder.services.size() == 2; });
  EXPECT_EQ(recorder.services.at({"default", "web"}), before);
  EXPECT_THAT(recorder.problems, ElementsAre(HasSubstr("Service default/web: ")));
  EXPECT_EQ(watch.status(Resource::kServices).undecodable, 2U);
  set_service("web", "10.96.0.12");
  eventually(io, [&] { return !recorder.well.empty(); });
  EXPECT_THAT(recorder.well, ElementsAre("Service default/web"));
  EXPECT_NE(recorder.services.at({"default", "web"}), before);
}

TEST_F(ClusterWatchTest, SaysOnceThatTheServerIsAwayAndOnceThatItIsBack) {
  ClusterWatch watch(io.get_executor(), options(), recorder);
  server.vanish();
  watch.start();
  eventually(io, [&] { return watch.status(Resource::kServices).errors >= 5; });
  EXPECT_EQ(recorder.problems.size(), 3U) << "one for each resource";
  EXPECT_THAT(recorder.problems,
              testing::Contains(HasSubstr("API server " + server.url() + ": services")));
  EXPECT_FALSE(watch.synced());
  server.resume();
  eventually(io, [&] { return watch.synced() && recorder.well.size() == 3; });
  EXPECT_EQ(recorder.problems.size(), 3U);
}

// Events are lost, doubled, swapped, cut, mixed with garbage, and watches end or are too old; the
// periodic list repairs.
TEST_F(ClusterWatchTest, ShowsTheServersStateInTheEndWhateverBecameOfTheEvents) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
    std::string held;
    services.distort = [&](const std::string& line) -> std::string {
      std::string out = std::exchange(held, "");
      if (chance(3)) return out;                // lost
      if (chance(5)) return out + line + line;  // doubled
      if (chance(5)) return held = line, out;   // after the next
      if (chance(2)) return out + line.substr(0, line.size() / 2) + '\n';
      if (chance(1)) return out + "\x01garbage\n" + line;
      return out + line;
    };
    Recorder fuzzed;
    auto with = options();
    with.seed = seed;
    with.timing.relist = std::chrono::milliseconds(40);
    ClusterWatch watch(io.get_executor(), with, fuzzed);
    watch.start();
    for (int step = 0; step < 3000; ++step) {
      const std::string name = "s" + std::to_string(random() % 40);
      if (chance(70)) {
        set_service(name, "10.96." + std::to_string(random() % 200) + '.' +
                              std::to_string(1 + random() % 200));
      } else {
        services.remove({"default", name});
      }
      if (chance(1)) services.end_watches();
      if (chance(1)) services.compact();
      io.poll();
    }
    services.distort = nullptr;
    const auto equal = [&] {
      if (fuzzed.services.size() != services.objects().size()) return false;
      for (const auto& [name, text] : services.objects()) {
        const auto found = fuzzed.services.find(name);
        if (found == fuzzed.services.end()) return false;
        if (text.find('"' + to_string(found->second.cluster_ips.at(0)) + '"') == std::string::npos)
          return false;
      }
      return true;
    };
    eventually(io, equal);
    EXPECT_TRUE(equal()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fairlead::client::test
