// The real plugin, the agent's server and the real pod network, on a node that is a namespace; and
// the reference plugins behind them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <set>

#include "agent/cni_server.hpp"
#include "tests/netns/cluster/namespaces.hpp"
#include "tests/netns/cni/plugin.hpp"

namespace fairlead::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

class CniEndToEnd : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    std::string name = fs::temp_directory_path() / "fairlead-cni-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    node_.emplace("node");
    node_->ip("address add 198.18.0.1/32 dev lo");
  }
  void TearDown() override {
    stop();
    if (!directory_.empty()) fs::remove_all(directory_);
  }

  /// The agent's part, on a thread in the node's namespace.
  void start(const std::vector<Cidr>& pod_cidrs) {
    std::promise<void> listens;
    thread_ = std::thread([this, &listens, pod_cidrs] {
      node_->run([&] {
        auto opened = podnet::Attachments::open(
            {.book = directory_ + "/pods.db", .pod_cidrs = pod_cidrs, .mtu = 1450},
            [](const std::string&) {});
        ASSERT_TRUE(opened) << opened.error().doing;
        attachments_ = opened->get();
        CniServer server(io_, {.attachments = **opened});
        ASSERT_TRUE(server.listen(directory_ + "/cni.sock"));
        server.start();
        stop_ = [&server] { server.stop(); };
        listens.set_value();
        io_.run();
        EXPECT_TRUE((*opened)->clean_up());
      });
    });
    ASSERT_EQ(listens.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  }
  void stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(io_, [this] { stop_(); });
    thread_.join();
  }

  [[nodiscard]] std::string config(const std::string& more = "") const {
    return R"({"cniVersion": "1.0.0", "name": "pods", "type": "fairlead-cni", "runtimeDirectory": ")" +
           directory_ + R"(", "stateDirectory": ")" + directory_ + '"' +
           (more.empty() ? "" : ", " + more) + "}";
  }
  static Plugin::Environment environment(const std::string& command, const Namespace& pod) {
    return {{"CNI_COMMAND", command},
            {"CNI_CONTAINERID", pod.name()},
            {"CNI_NETNS", "/run/netns/" + pod.name()},
            {"CNI_IFNAME", "eth0"},
            {"CNI_PATH", "/usr/lib/cni"}};
  }
  PluginResult call(const std::string& command, const Namespace& pod,
                    const std::string& more = "") {
    PluginResult result;
    node_->run([&] { result = run_plugin(environment(command, pod), config(more)); });
    return result;
  }
  static std::string previous(const PluginResult& added) {
    return R"("prevResult": )" + added.output;
  }
  [[nodiscard]] std::string node_links() const { return node_->output_of("ip -o link"); }

  std::string directory_;
  std::optional<Namespace> node_;
  podnet::Attachments* attachments_ = nullptr;

 private:
  boost::asio::io_context io_;
  std::function<void()> stop_;
  std::thread thread_;
};

std::vector<Cidr> both_families() {
  return {parse_cidr("10.244.1.0/24").value(), parse_cidr("fd00:244:1::/64").value()};
}

std::string address_of(const PluginResult& added, std::size_t i) {
  return std::string(added.json().at("ips").at(i).at("address").as_string());
}

TEST_F(CniEndToEnd, APodIsReachedCheckedAndGone) {
  start(both_families());
  const Namespace pod("pod");
  const auto added = call("ADD", pod);
  ASSERT_EQ(added.exit, 0) << added.output;
  const std::string addresses = pod.output_of("ip -o address show dev eth0");
  EXPECT_THAT(addresses, HasSubstr(address_of(added, 0)));
  EXPECT_THAT(addresses, HasSubstr(address_of(added, 1)));
  const std::string ip = address_of(added, 0).substr(0, address_of(added, 0).find('/'));
  EXPECT_THAT(node_->output_of("ping -c1 -W2 " + ip), HasSubstr(" 0% packet loss"));
  EXPECT_EQ(call("CHECK", pod, previous(added)).output, "");
  pod.ip("route delete default");
  EXPECT_EQ(call("CHECK", pod, previous(added)).code(), 103);
  EXPECT_EQ(call("DEL", pod, previous(added)).exit, 0);
  EXPECT_EQ(call("DEL", pod).exit, 0);
  node_->run([&] { EXPECT_TRUE(attachments_->finish_removals()); });
  EXPECT_THAT(node_links(), Not(HasSubstr("fl-")));
  EXPECT_TRUE(attachments_->all().empty());
}

TEST_F(CniEndToEnd, AnInterfaceThatExistsIsLeftAsItIsAndNothingIsLeftBehind) {
  start(both_families());
  const Namespace pod("pod");
  pod.ip("link add eth0 type bridge");
  pod.ip("address add 192.0.2.1/24 dev eth0");
  EXPECT_EQ(call("ADD", pod).code(), 102);
  EXPECT_THAT(pod.output_of("ip -o address show dev eth0"), HasSubstr("192.0.2.1/24"));
  EXPECT_THAT(node_links(), Not(HasSubstr("fl-")));
  EXPECT_TRUE(attachments_->all().empty());
}

TEST_F(CniEndToEnd, NoAddressLeftIsSaidAtOnceAndADelMakesRoom) {
  start({parse_cidr("10.244.1.0/30").value()});
  std::vector<std::unique_ptr<Namespace>> pods;
  PluginResult last;
  do {
    pods.push_back(std::make_unique<Namespace>("pod" + std::to_string(pods.size())));
    last = call("ADD", *pods.back());
  } while (last.exit == 0 && pods.size() < 5);
  EXPECT_EQ(last.code(), 100) << last.output;
  EXPECT_THAT(last.output, HasSubstr("10.244.1.0/30"));
  EXPECT_THAT(pods.back()->output_of("ip -o link"), Not(HasSubstr("eth0")));
  EXPECT_EQ(call("DEL", *pods.front()).exit, 0);
  node_->run([&] { EXPECT_TRUE(attachments_->finish_removals()); });
  EXPECT_EQ(call("ADD", *pods.back()).exit, 0);
}

TEST_F(CniEndToEnd, ManyPodsAtOnceHaveAnAddressOfTheirOwnEach) {
  start(both_families());
  std::vector<std::unique_ptr<Namespace>> pods;
  for (int i = 0; i < 32; ++i) {
    pods.push_back(std::make_unique<Namespace>("pod" + std::to_string(i)));
  }
  std::set<std::string> addresses;
  node_->run([&] {
    std::vector<std::unique_ptr<Plugin>> plugins;
    for (const auto& pod : pods) {
      plugins.push_back(std::make_unique<Plugin>(environment("ADD", *pod), config()));
    }
    for (auto& plugin : plugins) {
      const auto added = plugin->wait();
      ASSERT_EQ(added.exit, 0) << added.output;
      addresses.insert(address_of(added, 0));
    }
  });
  EXPECT_EQ(addresses.size(), pods.size());
}

/// Runs a reference plugin as libcni runs the next one of a list.
PluginResult call_reference(const Namespace& node, const std::string& type,
                            Plugin::Environment environment, const std::string& config) {
  environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";  // portmap and firewall call iptables
  PluginResult result;
  node.run([&] { result = Plugin(environment, config, "/usr/lib/cni/" + type).wait(); });
  return result;
}

TEST_F(CniEndToEnd, TheReferencePluginsOfAListTakeTheResult) {
  if (!fs::exists("/usr/lib/cni/portmap") || !fs::exists("/usr/sbin/iptables")) {
    GTEST_SKIP() << "needs containernetworking-plugins and iptables";
  }
  start(both_families());
  const Namespace pod("pod");
  const auto added = call("ADD", pod);
  ASSERT_EQ(added.exit, 0) << added.output;
  const std::pair<const char*, const char*> plugins[] = {
      {"portmap",
       R"("runtimeConfig": {"portMappings": [{"hostPort": 8089, "containerPort": 80, "protocol": "tcp"}]})"},
      {"bandwidth",
       R"("ingressRate": 1000000, "ingressBurst": 1000000, "egressRate": 0, "egressBurst": 0)"},
      {"tuning", R"("sysctl": {"net.ipv4.conf.all.log_martians": "0"})"},
      {"firewall", R"("backend": "iptables")"}};
  std::string result = added.output;
  for (const auto& [type, more] : plugins) {
    const auto config = [&, type = type, more = more](const std::string& previous) {
      return R"({"cniVersion": "1.0.0", "name": "pods", "type": ")" + std::string(type) + "\", " +
             more + R"(, "prevResult": )" + previous + "}";
    };
    const auto next = call_reference(*node_, type, environment("ADD", pod), config(result));
    EXPECT_EQ(next.exit, 0) << type << ": " << next.output;
    if (next.exit == 0) result = next.output;
    EXPECT_EQ(call("CHECK", pod, R"("prevResult": )" + result).output, "") << "behind " << type;
    const auto gone = call_reference(*node_, type, environment("DEL", pod), config(result));
    EXPECT_EQ(gone.exit, 0) << type << ": " << gone.output;
  }
  EXPECT_EQ(call("DEL", pod, R"("prevResult": )" + result).exit, 0);
}

}  // namespace
}  // namespace fairlead::test
