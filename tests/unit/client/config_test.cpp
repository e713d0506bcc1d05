// kubeconfig files and what a pod is given.
#include "controlplane-client/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace fairlead::client {
namespace {

using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/fairlead-config-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder + '/' + name) << text;
    return folder + '/' + name;
  }
  std::string error_of(const std::string& text) {
    const auto config = load_kubeconfig({write("config", text)});
    return config ? "no error" : config.error().doing;
  }
  // A kubeconfig with these members of the cluster and the user.
  static std::string with(const std::string& cluster, const std::string& user) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: "
           "{cluster: c, user: u, "
           "namespace: team}}]\nclusters: [{name: c, cluster: {" +
           cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n";
  }

  std::string folder;
};

TEST_F(ConfigTest, ReadsClusterAndUserOfTheCurrentContext) {
  const auto config = load_kubeconfig({write(
      "config", with("server: 'https://api:6443', certificate-authority: pki/ca.crt, "
                     "tls-server-name: kubernetes",
                     "client-certificate-data: Y2VydA==, client-key: /abs/key, token: abc"))});
  ASSERT_TRUE(config) << config.error().doing;
  EXPECT_EQ(config->server, "https://api:6443");
  EXPECT_EQ(config->ca.file, folder + "/pki/ca.crt");
  EXPECT_EQ(config->tls_server_name, "kubernetes");
  EXPECT_EQ(config->client_certificate.text, "cert");
  EXPECT_EQ(config->client_key.file, "/abs/key");
  EXPECT_EQ(config->token, "abc");
  EXPECT_EQ(config->default_namespace, "team");
}

TEST_F(ConfigTest, MergesFilesAsKubectlDoes) {
  const std::string first = write(
      "first", "current-context: x\nclusters: [{name: c, cluster: {server: 'https://one'}}]\n");
  const std::string second = write("second", with("server: 'https://two'", "token: t"));
  const auto config = load_kubeconfig({first, folder + "/missing", second});
  ASSERT_TRUE(config) << config.error().doing;
  EXPECT_EQ(config->server, "https://one");
  EXPECT_EQ(config->token, "t");
}

TEST_F(ConfigTest, NamesFileAndFieldOfAMistake) {
  EXPECT_EQ(error_of(with("server: 7", "")),
            "kubeconfig " + folder + "/config: clusters[0].cluster.server: must be text");
  EXPECT_THAT(error_of(with("server: 'ftp://x'", "")),
              HasSubstr("cluster.server: the scheme must be https or http"));
  EXPECT_THAT(error_of(with("", "")), HasSubstr("cluster.server: required"));
  EXPECT_THAT(error_of(with("server: 'https://x', proxy-url: 'http://p'", "")),
              HasSubstr("cluster.proxy-url: proxies"));
  EXPECT_THAT(error_of(with("server: 'https://x'", "as: root")),
              HasSubstr("user.as: impersonation"));
  EXPECT_THAT(error_of(with("server: 'https://x'", "auth-provider: {name: gcp}")),
              HasSubstr("user.auth-provider"));
  EXPECT_THAT(error_of(with("server: 'https://x'", "client-key-data: '%%%%'")),
              HasSubstr("client-key-data: is not base64"));
  EXPECT_THAT(error_of(with("server: 'https://x'", "client-key: k")),
              HasSubstr("user.client-certificate: required"));
  EXPECT_THAT(error_of(with("server: 'http://x'", "token: t")),
              HasSubstr("credentials are sent over https only"));
  EXPECT_THAT(
      error_of(with("server: 'https://x', insecure-skip-tls-verify: true, certificate-authority: c",
                    "")),
      HasSubstr("insecure-skip-tls-verify: may not be true beside certificate-authority"));
  EXPECT_THAT(error_of("current-context: y\n"),
              HasSubstr("current-context: no context is named \"y\""));
  EXPECT_THAT(error_of("clusters: 3\n"), HasSubstr("clusters: must be a list"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("must be an object"));
  EXPECT_THAT(error_of("{"), HasSubstr("kubeconfig " + folder + "/config: "));
  const auto missing = load_kubeconfig({folder + "/missing"});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().doing, HasSubstr("missing: No such file"));
}

TEST_F(ConfigTest, RefusesATextThatYamlFindsNoEndIn) {
  EXPECT_EQ(error_of(","), "kubeconfig " + folder +
                               "/config: line 1, column 1: what follows belongs to no document");
  EXPECT_NE(error_of("kind: Config\n---\n]").find("/config: line 3"), std::string::npos);
}

TEST_F(ConfigTest, ReadsAnExecPlugin) {
  const auto config =
      load_kubeconfig({write("config", with("server: 'https://x'",
                                            "exec: {apiVersion: client.authentication.k8s.io/v1, "
                                            "command: ./login, args: [a, b], env: [{name: N, "
                                            "value: v}]}"))});
  ASSERT_TRUE(config) << config.error().doing;
  ASSERT_TRUE(config->exec);
  EXPECT_EQ(config->exec->command, folder + "/./login");
  EXPECT_THAT(config->exec->arguments, testing::ElementsAre("a", "b"));
  EXPECT_THAT(config->exec->environment,
              testing::ElementsAre(std::pair<std::string, std::string>("N", "v")));
}

TEST_F(ConfigTest, UsesWhatAPodIsGiven) {
  write("token", "secret\n");
  write("ca.crt", "pem");
  write("namespace", "kube-system");
  std::map<std::string, std::string> variables{{"KUBERNETES_SERVICE_HOST", "fd00::1"},
                                               {"KUBERNETES_SERVICE_PORT", "443"}};
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    return variables.contains(name) ? std::optional(variables[name]) : std::nullopt;
  };
  auto config = in_cluster_config(environment, folder);
  ASSERT_TRUE(config) << config.error().doing;
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->token_file, folder + "/token");
  EXPECT_EQ(config->default_namespace, "kube-system");

  std::filesystem::remove(folder + "/token");
  config = in_cluster_config(environment, folder);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().doing,
              HasSubstr("in-cluster configuration: " + folder + "/token: No such file"));
  variables["KUBECONFIG"] = "/a::/b";
  EXPECT_THAT(kubeconfig_files(environment), testing::ElementsAre("/a", "/b"));
}

}  // namespace
}  // namespace fairlead::client
