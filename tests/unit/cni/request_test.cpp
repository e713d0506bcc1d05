// What a runtime sends, and what is made of it.
#include "cni/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cni/support.hpp"

namespace fairlead::cni {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Failure refusal(const Environment& environment, const std::string& config) {
  auto request = parse_request(environment, config);
  if (!request) return request.error();
  ADD_FAILURE() << "accepted: " << config;
  return {};
}
Failure refusal_of_add(const std::string& more) {
  return refusal(environment_of("ADD"), config_of(more));
}
Ip ip(const char* text) { return parse_ip(text).value(); }

TEST(Request, OfAnAddHasTheKeyAndTheSandbox) {
  const Request request = add_request();
  EXPECT_EQ(request.command, Command::kAdd);
  EXPECT_EQ(to_string(request.attachment.key), "pods/0123abcd/eth0");
  EXPECT_EQ(request.attachment.sandbox, "/run/netns/pod-1");
  EXPECT_EQ(request.runtime_directory, "/run/fairlead");
  EXPECT_EQ(request.state_directory, "/var/lib/fairlead");
}

TEST(Request, IsTakenInEachVersionAndKeepsIt) {
  for (const std::string_view version : kVersions) {
    EXPECT_EQ(to_string(add_request("", std::string(version)).version), version);
  }
}

TEST(Request, OfAVersionThatIsNotSpokenIsCode1) {
  for (const char* version : {"0.1.0", "0.2.0", "2.0.0", "1.1", "", "1.1.0 "}) {
    EXPECT_EQ(refusal(environment_of("ADD"), config_of("", version)).code,
              Code::kIncompatibleVersion)
        << version;
  }
  const auto missing = refusal(environment_of("ADD"), R"({"name": "pods", "type": "x"})");
  EXPECT_EQ(missing.code, Code::kIncompatibleVersion);
  EXPECT_THAT(missing.details, HasSubstr("missing"));
}

TEST(Request, OfACommandThatItsVersionDoesNotHaveIsCode1) {
  EXPECT_EQ(refusal(environment_of("CHECK"), config_of("", "0.3.1")).code,
            Code::kIncompatibleVersion);
  EXPECT_EQ(refusal(environment_of("GC"), config_of("", "1.0.0")).code, Code::kIncompatibleVersion);
  const auto status = refusal(environment_of("STATUS"), config_of("", "1.0.0"));
  EXPECT_EQ(status.code, Code::kIncompatibleVersion);
  EXPECT_EQ(to_string(status.version), "1.0.0") << "the answer is in the version of the question";
}

TEST(Request, WithoutVariablesNamesAllThatAreMissing) {
  const auto failure = refusal({.command = "ADD"}, config_of());
  EXPECT_EQ(failure.code, Code::kInvalidEnvironment);
  EXPECT_EQ(failure.details, "CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_PATH");
  EXPECT_EQ(refusal({.command = "DEL"}, config_of()).details,
            "CNI_CONTAINERID, CNI_IFNAME, CNI_PATH");
  EXPECT_EQ(refusal({.command = "STATUS"}, config_of()).details, "CNI_PATH");
  EXPECT_EQ(refusal({}, config_of()).details, "CNI_COMMAND");
  EXPECT_EQ(refusal({.command = "add"}, config_of()).code, Code::kInvalidEnvironment);
}

TEST(Request, WithANameOutsideTheSetsIsCode4) {
  for (const char* container : {"-a", "a/b", "../a", "a b", "_", "\xc3\xa4", ".."}) {
    auto environment = environment_of("DEL");
    environment.container = container;
    EXPECT_EQ(refusal(environment, config_of()).code, Code::kInvalidEnvironment) << container;
  }
  for (const char* interface :
       {"a/b", "a:b", "a b", ".", "..", "sixteen-bytes-16", "\xff", "a\n"}) {
    auto environment = environment_of("DEL");
    environment.interface = interface;
    EXPECT_EQ(refusal(environment, config_of()).code, Code::kInvalidEnvironment) << interface;
  }
  for (const char* netns : {"netns", "/run/../etc", "/run/netns/a b", "/\xff"}) {
    auto environment = environment_of("ADD");
    environment.netns = netns;
    EXPECT_EQ(refusal(environment, config_of()).code, Code::kInvalidEnvironment) << netns;
  }
}

TEST(Request, ThatIsNoJsonIsCode6) {
  for (const char* text : {"", "{", "null", "[]", "\"a\"", "{\"a\": \xff}", "{} {}"}) {
    EXPECT_EQ(refusal(environment_of("ADD"), text).code, Code::kDecoding) << text;
  }
  const std::string deep(100000, '[');
  EXPECT_EQ(refusal(environment_of("ADD"), deep).code, Code::kDecoding);
}

TEST(Request, WithoutNameOrTypeOrWithOtherTypesIsCode7AndNamesTheField) {
  const auto named = [](const std::string& config, const char* field) {
    const auto failure = refusal(environment_of("ADD"), config);
    EXPECT_EQ(failure.code, Code::kInvalidConfig) << config;
    EXPECT_THAT(failure.details, HasSubstr(field));
  };
  named(R"({"cniVersion": "1.0.0", "type": "x"})", "name");
  named(R"({"cniVersion": "1.0.0", "name": "a/b", "type": "x"})", "name");
  named(R"({"cniVersion": "1.0.0", "name": 5, "type": "x"})", "name");
  named(R"({"cniVersion": "1.0.0", "name": "x"})", "type");
  named(R"({"cniVersion": 1.0, "name": "x", "type": "x"})", "cniVersion");
  named(config_of(R"("runtimeConfig": [])"), "runtimeConfig");
  named(config_of(R"("runtimeConfig": {"portMappings": {}})"), "runtimeConfig.portMappings");
  named(config_of(R"("runtimeConfig": {"portMappings": [{"hostPort": "80"}]})"),
        "runtimeConfig.portMappings[0].hostPort");
  named(config_of(R"("runtimeConfig": {"bandwidth": {"ingressRate": -1}})"),
        "runtimeConfig.bandwidth.ingressRate");
  named(config_of(R"("prevResult": {"ips": [5]})"), "prevResult.ips[0]");
  named(config_of(R"("dns": {"nameservers": [5]})"), "dns.nameservers[0]");
  named(config_of(R"("runtimeDirectory": "/run/../etc")"), "runtimeDirectory");
  named(config_of(R"("stateDirectory": "x")"), "stateDirectory");
}

TEST(Request, PassesOverKeysThatItDoesNotKnow) {
  add_request(R"("capabilities": {"ips": true}, "ipam": {}, "x": [1, {"y": null}])");
}

TEST(Request, OfADelIsTakenWhateverAnAddWouldNotBe) {
  auto environment = environment_of("DEL");
  environment.netns = "";
  environment.args = "no pair";
  const auto request = parse_request(
      environment, config_of(R"("prevResult": 5, "runtimeConfig": 5, "args": 5, "dns": 5)"));
  ASSERT_TRUE(request) << request.error().details;
  EXPECT_EQ(request->attachment.sandbox, "");
}

TEST(Request, OfACheckNeedsPrevResult) {
  EXPECT_THAT(refusal(environment_of("CHECK"), config_of()).details, HasSubstr("prevResult"));
  EXPECT_TRUE(parse_request(environment_of("CHECK"),
                            config_of(R"("prevResult": {"cniVersion": "1.1.0"})")));
}

TEST(Request, OfAGcTakesEitherKeyOfTheListAndNeverNone) {
  const Environment gc{.command = "GC", .path = "/opt/cni/bin"};
  for (const char* key : {"cni.dev/valid-attachments", "cni.dev/attachments"}) {
    const auto request = parse_request(
        gc,
        config_of(
            '"' + std::string(key) +
            R"(": [{"containerID": "a", "ifname": "eth0"}, {"containerID": "b", "ifname": "net1"}])"));
    ASSERT_TRUE(request) << request.error().details;
    EXPECT_THAT(request->valid_attachments,
                ElementsAre(podnet::AttachmentKey{"pods", "a", "eth0"},
                            podnet::AttachmentKey{"pods", "b", "net1"}));
  }
  EXPECT_EQ(refusal(gc, config_of()).code, Code::kInvalidConfig);
  EXPECT_THAT(
      refusal(gc, config_of(R"("cni.dev/valid-attachments": [{"containerID": "a"}])")).details,
      HasSubstr("cni.dev/valid-attachments[0].ifname"));
}

constexpr const char* kContainerd =
    R"("runtimeConfig": {"portMappings": [{"HostPort": 8089, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""}],
       "bandwidth": {"IngressRate": 10000000, "IngressBurst": 4294967295, "EgressRate": 0, "EgressBurst": 0}})";
constexpr const char* kPodman =
    R"("runtimeConfig": {"portMappings": [{"hostPort": 8089, "containerPort": 80, "protocol": "TCP", "hostIP": "0.0.0.0"}],
       "bandwidth": {"ingressRate": 10000000, "ingressBurst": 4294967295}})";

TEST(Request, HasPortsAndBandwidthInTheLettersOfContainerdAndOfPodman) {
  for (const char* config : {kContainerd, kPodman}) {
    const auto attachment = add_request(config).attachment;
    EXPECT_THAT(attachment.port_mappings,
                ElementsAre(podnet::PortMapping{Port{8089}, Port{80}, Protocol::kTcp, {}}));
    EXPECT_EQ(attachment.bandwidth, (podnet::Bandwidth{10'000'000, 4'294'967'295, 0, 0}));
  }
  const auto sctp = add_request(
      R"("runtimeConfig": {"portMappings": [{"hostPort": 1, "containerPort": 65535, "protocol": "sctp", "hostIP": "fd00::1"}]})");
  EXPECT_THAT(
      sctp.attachment.port_mappings,
      ElementsAre(podnet::PortMapping{Port{1}, Port{65535}, Protocol::kSctp, ip("fd00::1")}));
  for (const char* mapping :
       {R"({"hostPort": 0, "containerPort": 80})", R"({"hostPort": 80, "containerPort": 65536})",
        R"({"hostPort": 80, "containerPort": 80, "protocol": "icmp"})",
        R"({"hostPort": 80, "containerPort": 80, "hostIP": "x"})", "5"}) {
    EXPECT_EQ(
        refusal_of_add(R"("runtimeConfig": {"portMappings": [)" + std::string(mapping) + "]}").code,
        Code::kInvalidConfig)
        << mapping;
  }
}

TEST(Request, HasTheRangesOfRuntimeConfig) {
  const auto attachment =
      add_request(
          R"("runtimeConfig": {"ipRanges": [[{"subnet": "10.9.0.0/24"}, {"subnet": "10.8.0.0/24"}], [{"subnet": "fd09::/64", "gateway": "fd09::1"}]]})")
          .attachment;
  ASSERT_EQ(attachment.ip_ranges.size(), 2U);
  EXPECT_EQ(to_string(attachment.ip_ranges[0].subnets.at(1)), "10.8.0.0/24");
  EXPECT_EQ(to_string(attachment.ip_ranges[1].subnets.at(0)), "fd09::/64");
  for (const char* ranges :
       {"[[]]", "[5]", R"([[{"subnet": "x"}]])", "[[{}]]",
        R"([[{"subnet": "10.9.0.0/24"}, {"subnet": "fd09::/64"}]])",
        R"([[{"subnet": "10.9.0.0/24"}], [{"subnet": "10.8.0.0/24"}]])",
        R"([[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.1.1"}]])",
        R"([[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.0"}]])",
        R"([[{"subnet": "10.9.0.0/24", "rangeEnd": "10.9.0.255"}]])",
        R"([[{"subnet": "10.9.0.0/24", "rangeEnd": "fd09::1"}]])",
        R"([[{"subnet": "10.9.0.0/24", "rangeStart": 9}]])",
        R"([[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.9", "rangeEnd": "10.9.0.8"}]])"}) {
    EXPECT_EQ(refusal_of_add(R"("runtimeConfig": {"ipRanges": )" + std::string(ranges) + "}").code,
              Code::kInvalidConfig)
        << ranges;
  }
}

TEST(Request, HasThePartsOfSubnetsThatRuntimeConfigGives) {
  const auto attachment = add_request(
                              R"("runtimeConfig": {"ipRanges": [[
              {"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.9", "rangeEnd": "10.9.0.20"},
              {"subnet": "10.8.0.0/24", "rangeStart": "10.8.0.1", "rangeEnd": "10.8.0.254"},
              {"subnet": "10.7.0.0/24", "rangeEnd": "10.7.0.9"}],
             [{"subnet": "fd09::/112", "rangeStart": "fd09::10"}]]})")
                              .attachment;
  ASSERT_EQ(attachment.ip_ranges.size(), 2U);
  const podnet::RangeSet& first = attachment.ip_ranges[0];
  ASSERT_EQ(first.parts.size(), 2U);
  EXPECT_EQ(to_string(first.parts[0]), "10.9.0.9-10.9.0.20");
  EXPECT_EQ(to_string(first.parts[1]), "10.7.0.1-10.7.0.9");
  ASSERT_EQ(first.subnets.size(), 1U);
  EXPECT_EQ(to_string(first.subnets[0]), "10.8.0.0/24");  // all that it gives
  EXPECT_EQ(to_string(attachment.ip_ranges[1].parts.at(0)), "fd09::10-fd09::ffff");
}

TEST(Request, HasThePodOfCniArgsInAnyOrder) {
  for (const char* args :
       {"IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1;K8S_POD_INFRA_CONTAINER_ID=a;"
        "K8S_POD_UID=u-1;OTHER=x",
        "OTHER=x;K8S_POD_UID=u-1;K8S_POD_NAME=web-1;K8S_POD_NAMESPACE=shop;IgnoreUnknown=true;"}) {
    auto environment = environment_of("ADD");
    environment.args = args;
    const auto request = parse_request(environment, config_of());
    ASSERT_TRUE(request) << request.error().details;
    EXPECT_EQ(request->attachment.pod, (podnet::PodIdentity{"shop", "web-1", "u-1"}));
  }
}

TEST(Request, RefusesKeysOfCniArgsThatNobodyKnowsUnlessTold) {
  for (const char* args :
       {"OTHER=x", "IgnoreUnknown=0;OTHER=x", "OTHER=x;IgnoreUnknown=false", "IgnoreUnknown=maybe",
        "K8S_POD_NAME", "K8S_POD_NAME=a/b", "K8S_POD_NAMESPACE=\xff"}) {
    auto environment = environment_of("ADD");
    environment.args = args;
    EXPECT_EQ(refusal(environment, config_of()).code, Code::kInvalidEnvironment) << args;
  }
}

TEST(Request, TakesAddressAndMacFromTheFirstPlaceThatSaysThem) {
  const std::string cni =
      R"("args": {"cni": {"ips": ["10.0.0.3", "fd00::3/64"], "mac": "02:00:00:00:00:03"}})";
  const std::string annotations =
      R"("io.kubernetes.cri.pod-annotations": {"fairlead.io/ips": "10.0.0.2, fd00::2", "fairlead.io/mac": "02:00:00:00:00:02"})";
  const std::string own = R"("ips": ["10.0.0.1/24"], "Mac": "02:00:00:00:00:01")";
  const auto from = [](const std::string& config, const char* args) {
    auto environment = environment_of("ADD");
    environment.args = args;
    const auto request = parse_request(environment, config_of(config)).value().attachment;
    EXPECT_EQ(request.mac.has_value(), !request.ips.empty());
    EXPECT_EQ(request.mac.value_or(podnet::Mac{})[5], request.ips.at(0).bytes[15]);
    return request.ips;
  };
  constexpr const char* kArgs = "IP=10.0.0.4/16;MAC=02:00:00:00:00:04";
  EXPECT_THAT(from("", kArgs), ElementsAre(ip("10.0.0.4")));
  EXPECT_THAT(from(cni, kArgs), ElementsAre(ip("10.0.0.3"), ip("fd00::3")));
  EXPECT_THAT(from(cni + R"(, "runtimeConfig": {)" + annotations + "}", kArgs),
              ElementsAre(ip("10.0.0.2"), ip("fd00::2")));
  EXPECT_THAT(from(cni + R"(, "runtimeConfig": {)" + annotations + ", " + own + "}", kArgs),
              ElementsAre(ip("10.0.0.1")));
}

TEST(Request, RefusesAddressesAndMacsThatNoPodCanHave) {
  for (const char* runtime :
       {R"("ips": ["10.0.0.1", "10.0.0.2"])", R"("ips": ["127.0.0.1"])", R"("ips": ["fe80::1"])",
        R"("ips": ["0.0.0.0"])", R"("ips": ["10.0.0.1/33"])", R"("ips": ["x"])", R"("ips": [5])",
        R"("mac": "01:00:00:00:00:00")", R"("mac": "00:00:00:00:00:00")", R"("mac": "02:00")"}) {
    EXPECT_EQ(refusal_of_add(R"("runtimeConfig": {)" + std::string(runtime) + "}").code,
              Code::kInvalidConfig)
        << runtime;
  }
}

TEST(Request, HasTheLabelsOfArgsInBothForms) {
  for (const char* labels :
       {R"([{"key": "app", "value": "web"}, {"key": "x.io/tier", "value": ""}])",
        R"({"app": "web", "x.io/tier": ""})"}) {
    const auto attachment =
        add_request(R"("args": {"cni": {"labels": )" + std::string(labels) + "}}").attachment;
    EXPECT_THAT(attachment.labels, ElementsAre(Pair("app", "web"), Pair("x.io/tier", "")));
  }
  for (const char* labels : {R"([{"key": "app"}])", R"({"app": 5})", R"({"": "x"})",
                             R"({"a/": "x"})", R"({"app": "a b"})", "5"}) {
    EXPECT_EQ(refusal_of_add(R"("args": {"cni": {"labels": )" + std::string(labels) + "}}").code,
              Code::kInvalidConfig)
        << labels;
  }
}

TEST(Request, OfVersionIsAnsweredWhateverIsOnStandardInput) {
  EXPECT_TRUE(parse_request({.command = "VERSION"}, ""));
  EXPECT_EQ(object_of(version_answer(""))["cniVersion"], "1.1.0");
  EXPECT_EQ(object_of(version_answer("{"))["cniVersion"], "1.1.0");
  EXPECT_EQ(object_of(version_answer(R"({"cniVersion": "0.4.0"})"))["cniVersion"], "0.4.0");
  EXPECT_EQ(object_of(version_answer(""))["supportedVersions"],
            boost::json::parse(R"(["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])"));
}

}  // namespace
}  // namespace fairlead::cni
