// A runtime, the plugin and an agent: each command, as it should go and as it is refused.
#include "tests/netns/cni/fixture.hpp"

namespace fairlead::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CniCommands : public CniTest {
 protected:
  void SetUp() override {
    CniTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) start_agent();
  }
  /// A CHECK with the result of the ADD before it.
  PluginResult check(const std::string& result, const std::string& container = "c1") {
    return call("CHECK", container, R"("prevResult": )" + result);
  }
};

TEST_F(CniCommands, AddAnswersInEachVersionAndDelTakesItBack) {
  for (const char* version : {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"}) {
    const auto added = call("ADD", "c1", "", version);
    ASSERT_EQ(added.exit, 0) << added.output;
    const auto result = added.json();
    EXPECT_EQ(result.at("cniVersion"), version);
    EXPECT_EQ(result.at("interfaces").at(1).at("sandbox").as_string(),
              "/run/netns/" + pod_->name());
    EXPECT_EQ(result.at("ips").at(0).at("gateway"), "169.254.1.1");
    EXPECT_THAT(attachments_.keys(), ElementsAre("pods/c1/eth0"));
    const auto deleted = call("DEL", "c1", "", version);
    EXPECT_EQ(deleted.exit, 0) << deleted.output;
    EXPECT_EQ(deleted.output, "");
    EXPECT_THAT(attachments_.keys(), IsEmpty());
  }
  stop_agent();
  EXPECT_THAT(errors_, IsEmpty());
  EXPECT_EQ(events_.size(), 10U);
  EXPECT_EQ(events_[0], "+pods/c1/eth0");
  EXPECT_EQ(events_[1], "-pods/c1/eth0");
}

TEST_F(CniCommands, VersionIsAnsweredWithAnEmptyOrClosedStandardInput) {
  for (const auto& input : {std::optional<std::string>(""), std::optional<std::string>()}) {
    const auto answer = run_plugin({{"CNI_COMMAND", "VERSION"}}, input);
    EXPECT_EQ(answer.exit, 0);
    EXPECT_EQ(answer.json().at("supportedVersions").as_array().size(), 5U);
  }
}

TEST_F(CniCommands, BadRequestsAreRefusedWithTheirCodeAndChangeNothing) {
  const auto missing = run_plugin({{"CNI_COMMAND", "ADD"}}, config());
  EXPECT_EQ(missing.exit, 1);
  EXPECT_EQ(missing.code(), 4);
  EXPECT_THAT(missing.output, HasSubstr("CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_PATH"));
  EXPECT_EQ(run_plugin(environment("ADD"), "{").code(), 6);
  EXPECT_EQ(run_plugin(environment("ADD"), std::nullopt).code(), 6);
  EXPECT_EQ(run_plugin(environment("ADD"), R"({"cniVersion": "1.0.0", "type": "x"})").code(), 7);
  EXPECT_EQ(call("ADD", "c1", "", "2.0.0").code(), 1);
  EXPECT_EQ(run_plugin(environment("ADD"), std::string(2'000'000, ' ')).code(), 7);
  EXPECT_THAT(attachments_.keys(), IsEmpty());
}

TEST_F(CniCommands, ANamespaceThatIsNoneOrTheNodesOwnIsCode8) {
  for (const char* netns :
       {"/run/netns/flt-nowhere", "/proc/self/ns/net", "/dev/null", "/", "/proc/self/ns/mnt"}) {
    auto given = environment("ADD");
    given["CNI_NETNS"] = netns;
    const auto answer = run_plugin(given, config());
    EXPECT_EQ(answer.exit, 1);
    EXPECT_EQ(answer.code(), 8) << netns << ": " << answer.output;
  }
  EXPECT_THAT(attachments_.keys(), IsEmpty());
}

TEST_F(CniCommands, ASecondAddIsRefusedAndTheFirstStays) {
  EXPECT_EQ(call("ADD").exit, 0);
  const auto again = call("ADD");
  EXPECT_EQ(again.exit, 1);
  EXPECT_EQ(again.code(), 102);
  EXPECT_THAT(attachments_.keys(), ElementsAre("pods/c1/eth0"));
}

TEST_F(CniCommands, DelSucceedsTwiceWithoutAnAddWithoutANamespaceAndWithADeadOne) {
  EXPECT_EQ(call("DEL", "never").exit, 0);
  for (const char* netns : {"", "/run/netns/flt-nowhere", "/proc/self/ns/net"}) {
    EXPECT_EQ(call("ADD").exit, 0);
    auto given = environment("DEL");
    given["CNI_NETNS"] = netns;
    EXPECT_EQ(run_plugin(given, config()).exit, 0) << netns;
    EXPECT_EQ(run_plugin(given, config(R"("prevResult": 5)")).exit, 0) << netns;
    EXPECT_THAT(attachments_.keys(), IsEmpty());
  }
  EXPECT_THAT(notes(), IsEmpty());
}

TEST_F(CniCommands, CheckComparesTheResultWithWhatIsThere) {
  const auto added = call("ADD");
  EXPECT_EQ(check(added.output).exit, 0);
  EXPECT_EQ(check(added.output).output, "");
  EXPECT_EQ(check(R"({"cniVersion": "1.1.0"})").code(), 103);
  EXPECT_EQ(check(added.output, "other").code(), 3);
  attachments_.set({.refusal = podnet::Refusal::kDiffers});
  EXPECT_EQ(check(added.output).code(), 103);
}

TEST_F(CniCommands, GcRemovesWhatIsNotInItsListOfEitherName) {
  for (const char* key : {"cni.dev/valid-attachments", "cni.dev/attachments"}) {
    for (const char* container : {"a", "b", "c"}) EXPECT_EQ(call("ADD", container).exit, 0);
    const Plugin::Environment gc = {{"CNI_COMMAND", "GC"}, {"CNI_PATH", "/opt/cni/bin"}};
    const auto collected = run_plugin(
        gc, config('"' + std::string(key) + R"(": [{"containerID": "b", "ifname": "eth0"}])"));
    EXPECT_EQ(collected.exit, 0) << collected.output;
    EXPECT_THAT(attachments_.keys(), ElementsAre("pods/b/eth0"));
    EXPECT_EQ(call("DEL", "b").exit, 0);
  }
  stop_agent();
  EXPECT_EQ(std::ranges::count(events_, "-pods/c/eth0"), 2);
}

TEST_F(CniCommands, GcTakesTheListOfTwoThousandPodsUnderBothNames) {
  std::string list;
  for (int i = 0; i < 2000; ++i) {
    list += (i == 0 ? "" : ", ") + std::string(R"({"containerID":")") + std::string(58, 'a') +
            std::to_string(100000 + i) + R"(","ifname":"eth0"})";
  }
  EXPECT_EQ(call("ADD", "gone").exit, 0);
  const auto collected = call(
      "GC", "",
      R"("cni.dev/valid-attachments": [)" + list + R"(], "cni.dev/attachments": [)" + list + "]");
  EXPECT_EQ(collected.exit, 0) << collected.output;
  EXPECT_THAT(attachments_.keys(), IsEmpty());
}

TEST_F(CniCommands, StatusSaysWhetherAnAddCouldBeServed) {
  EXPECT_EQ(call("STATUS").exit, 0);
  attachments_.set({.refusal = podnet::Refusal::kExhausted});
  EXPECT_EQ(call("STATUS").code(), 50);
  attachments_.set({.refusal = podnet::Refusal::kNotReady});
  EXPECT_EQ(call("STATUS").code(), 50);
  EXPECT_EQ(call("ADD").code(), 11);
  attachments_.set({.refusal = podnet::Refusal::kKernel});
  EXPECT_EQ(call("STATUS").code(), 51);
}

TEST_F(CniCommands, APartThatThrowsCostsOneAnswer) {
  attachments_.set({.throws = true});
  EXPECT_EQ(call("ADD").code(), 11);
  attachments_.set({});
  EXPECT_EQ(call("ADD").exit, 0);
}

TEST_F(CniCommands, ContainerdsLettersAndArgumentsInAnyOrderArriveAtTheNetwork) {
  auto given = environment("ADD");
  given["CNI_ARGS"] = "K8S_POD_UID=u;IgnoreUnknown=1;K8S_POD_NAME=web;X=y;K8S_POD_NAMESPACE=shop";
  const auto added = run_plugin(
      given,
      config(
          R"("runtimeConfig": {"portMappings": [{"HostPort": 8089, "ContainerPort": 80, "Protocol": "udp", "HostIP": ""}]})"));
  ASSERT_EQ(added.exit, 0) << added.output;
  const auto request = attachments_.last_request();
  EXPECT_EQ(request.pod, (podnet::PodIdentity{"shop", "web", "u"}));
  EXPECT_THAT(request.port_mappings,
              ElementsAre(podnet::PortMapping{Port{8089}, Port{80}, Protocol::kUdp, {}}));
  given["CNI_ARGS"] = "K8S_POD_NAME=web;X=y";
  given["CNI_CONTAINERID"] = "c2";
  EXPECT_EQ(run_plugin(given, config()).code(), 4);
}

TEST_F(CniCommands, ManyAtOnceAreAllAnswered) {
  std::vector<std::unique_ptr<Plugin>> plugins;
  for (int i = 0; i < 60; ++i) {
    plugins.push_back(
        std::make_unique<Plugin>(environment("ADD", "c" + std::to_string(i)), config()));
  }
  for (auto& plugin : plugins) EXPECT_EQ(plugin->wait().exit, 0);
  EXPECT_EQ(attachments_.keys().size(), 60U);
}

TEST_F(CniCommands, AnAddThatNobodyWaitsForAnyMoreDoesNotStay) {
  attachments_.set({.holds = true});
  Plugin first(environment("ADD", "c1"), config());
  eventually([this] { return attachments_.waiting() == 1; });
  first.kill();
  first.wait();
  attachments_.set({});
  EXPECT_EQ(call("DEL", "c1").exit, 0) << "is answered behind the ADD";
  eventually([this] { return attachments_.keys().empty(); });
}

TEST_F(CniCommands, ADelDoesNotOvertakeTheAddOfItsContainer) {
  attachments_.set({.holds = true});
  Plugin add(environment("ADD", "c1"), config());
  eventually([this] { return attachments_.waiting() == 1; });
  Plugin del(environment("DEL", "c1"), config());
  attachments_.set({});
  EXPECT_EQ(add.wait().exit, 0);
  EXPECT_EQ(del.wait().exit, 0);
  EXPECT_THAT(attachments_.keys(), IsEmpty());
}

}  // namespace
}  // namespace fairlead::test
