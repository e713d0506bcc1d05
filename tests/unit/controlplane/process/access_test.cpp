// Who gets in, and how answers are dressed.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/unit/controlplane/process/client.hpp"

namespace fairlead::controlplane {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(ControlPlaneTest, NobodyGetsAnythingWithoutCredentials) {
  for (const char* target : {"/", "/version", "/readyz", "/metrics", "/api/v1/services"}) {
    const Reply reply = ask({.target = target, .token = ""});
    EXPECT_EQ(reply.status, 401U) << target;
    EXPECT_EQ(reply.json().at("reason"), "Unauthorized");
  }
}

TEST_F(ControlPlaneTest, NodesReadEverythingAndWriteOnlyWhatTheyReport) {
  EXPECT_EQ(ask({.target = "/api/v1/services", .token = "node"}).status, 200U);
  const Reply refused = ask({.method = "DELETE",
                             .target = "/api/v1/namespaces/default/services/kubernetes",
                             .token = "node"});
  EXPECT_EQ(refused.status, 403U);
  EXPECT_EQ(refused.json().at("message"),
            "services \"kubernetes\" is forbidden: User \"system:node\" cannot delete resource "
            "\"services\" in API group \"\" in the namespace \"default\"");
}

TEST_F(ControlPlaneTest, KeysArePrivateAndStayTheSame) {
  const std::string before = file("admin.kubeconfig") + file("ca.crt") + file("node.token");
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0077U,
              entry.path().extension() == ".db" || entry.path().extension() == ".db-wal"
                  ? status.st_mode & 0077U
                  : 0U)
        << entry.path();
  }
  const std::string ca = file("ca.crt");
  const std::string token = file("node.token");
  stop();
  start();
  EXPECT_EQ(file("ca.crt"), ca);
  EXPECT_EQ(file("node.token"), token);
}

TEST_F(ControlPlaneTest, UnknownPathsGroupsAndMethodsAreRefusedAsKubernetesDoes) {
  EXPECT_EQ(get("/apis/apps/v1/deployments").body, "404 page not found\n");
  EXPECT_EQ(get("/api/v1/nonsense").json().at("message"),
            "the server could not find the requested resource");
  EXPECT_EQ(ask({.method = "PUT", .target = kConfigMaps}).status, 405U);
  EXPECT_EQ(ask({.target = kConfigMaps, .headers = {{"Accept", "image/png"}}}).status, 406U);
  EXPECT_EQ(get(std::string(kConfigMaps) + "/none").json().at("message"),
            "configmaps \"none\" not found");
}

TEST_F(ControlPlaneTest, DiscoveryAnswersInTheVersionThatIsAskedFor) {
  const auto ask_for = [this](const std::string& version) {
    return ask({.target = "/apis",
                .headers = {{"Accept", "application/json;g=apidiscovery.k8s.io;v=" + version +
                                           ";as=APIGroupDiscoveryList,application/json"}}})
        .json();
  };
  EXPECT_EQ(ask_for("v2").at("apiVersion"), "apidiscovery.k8s.io/v2");
  EXPECT_EQ(ask_for("v2beta1").at("apiVersion"), "apidiscovery.k8s.io/v2beta1");
  EXPECT_EQ(ask_for("v9").at("kind"), "APIGroupList");
  EXPECT_EQ(get("/api/v1/").json().at("kind"), "APIResourceList");
}

TEST_F(ControlPlaneTest, TablesAndMetadataAreGivenToThoseWhoAsk) {
  make("a");
  const auto ask_as = [this](const std::string& kind) {
    return ask({.target = kConfigMaps,
                .headers = {{"Accept", "application/json;as=" + kind + ";v=v1;g=meta.k8s.io"}}})
        .json();
  };
  EXPECT_EQ(ask_as("Table").at("rows").at(0).at("object").at("metadata").at("name"), "a");
  EXPECT_EQ(ask_as("PartialObjectMetadataList").at("items").at(0).at("kind"),
            "PartialObjectMetadata");
}

TEST_F(ControlPlaneTest, ReadableJsonIsForPeopleAndLargeAnswersArePacked) {
  EXPECT_THAT(get("/version?pretty=true").body, StartsWith("{\n  \"major\": \"1\",\n"));
  const std::string data(100'000, 'x');
  for (const char* name : {"a", "b"}) {
    post(kConfigMaps, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" +
                          std::string(name) + R"("},"data":{"k":")" + data + "\"}}");
  }
  const Reply packed = ask({.target = kConfigMaps, .headers = {{"Accept-Encoding", "gzip"}}});
  EXPECT_EQ(packed.headers["Content-Encoding"], "gzip");
  EXPECT_LT(packed.body.size(), 10'000U);
  EXPECT_EQ(get(kConfigMaps).headers["Content-Encoding"], "");
}

TEST_F(ControlPlaneTest, ADryRunLeavesNothing) {
  const Reply made = post(std::string(kConfigMaps) + "?dryRun=All",
                          R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"dry"}})");
  EXPECT_EQ(made.status, 201U);
  EXPECT_FALSE(made.json().at("metadata").as_object().contains("resourceVersion"));
  EXPECT_EQ(get(std::string(kConfigMaps) + "/dry").status, 404U);
  EXPECT_EQ(post(std::string(kConfigMaps) + "?dryRun=Some", "{}").status, 422U);
}

TEST_F(ControlPlaneTest, WhatAnOwnerLeavesBehindIsRemoved) {
  const Reply owner =
      post(kConfigMaps, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owner"}})");
  const std::string uid(owner.json().at("metadata").at("uid").as_string());
  const Reply owned =
      post(kConfigMaps,
           R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned","ownerReferences":[)"
           R"({"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":")" +
               uid + "\"}]}}");
  remove(std::string(kConfigMaps) + "/owner");
  const auto events = get(std::string(kConfigMaps) +
                          "?watch=1&timeoutSeconds=1&resourceVersion=" + revision_of(owned))
                          .events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].at("type"), "DELETED");
  EXPECT_EQ(events[1].at("object").at("metadata").at("name"), "owned");
}

TEST_F(ControlPlaneTest, ASecondProcessIsKeptOutOfTheDataDirectory) {
  Flags flags;
  flags.data_directory = directory_;
  flags.listen = "127.0.0.1:0";
  const auto second = ControlPlane::start(*parse_options(flags));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().doing, HasSubstr("in use by another process"));
}

TEST(ControlPlaneOptions, ErrorsNameTheFlag) {
  Flags flags;
  flags.listen = "nonsense";
  EXPECT_EQ(parse_options(flags).error().doing, "--listen: \"nonsense\": must be ADDRESS:PORT");
  flags.listen = "0.0.0.0:6443";
  EXPECT_THAT(parse_options(flags).error().doing, StartsWith("--advertise-address: needed"));
  flags.listen = "[::1]:6443";
  flags.service_cidr = "10.0.0.0/99";
  EXPECT_THAT(parse_options(flags).error().doing, StartsWith("--service-cidr: "));
}

}  // namespace
}  // namespace fairlead::controlplane
