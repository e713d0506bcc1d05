// TLS, credentials and plain requests.
#include "controlplane-client/api_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>

#include "loop.hpp"
#include "mirror.hpp"
#include "test_server.hpp"

namespace fairlead::client::test {
namespace {

using boost::json::value;
using testing::ElementsAre;
using testing::HasSubstr;

struct ApiClientTest : testing::Test {
  boost::asio::io_context io;
  KeyPair authority = make_authority();
  std::vector<std::string> authorizations;
  TestServer::Handler answer = [](Exchange& exchange) {
    return exchange.reply(200, R"({"fine":true})");
  };
  TestServer::Handler handler = [this](Exchange& exchange) {
    authorizations.push_back(exchange.authorization);
    return answer(exchange);
  };

  ClientConfig trusting(const TestServer& server) {
    ClientConfig config = config_for(server.url());
    config.ca.text = authority.certificate;
    return config;
  }

  template <class T>
  T wait_for(Awaitable<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(io, std::move(task),
                          [&](std::exception_ptr, T done) { result = std::move(done); });
    eventually(io, [&] { return result.has_value(); });
    return *std::move(result);
  }
  Result<value> get(const ClientConfig& config) {
    auto client = ApiClient::create(config, quick(), "test");
    if (!client) return tl::unexpected(client.error());
    return wait_for((*client)->get("/api"));
  }
  std::string error_of(const ClientConfig& config) {
    const auto result = get(config);
    return result ? "no error" : result.error().doing;
  }
};

TEST_F(ApiClientTest, AcceptsACertificateOfItsAuthorityForTheServersName) {
  TestServer server(io, handler, make_certificate(authority, "IP:127.0.0.1"));
  EXPECT_EQ(get(trusting(server)), value({{"fine", true}}));
  EXPECT_THAT(authorizations, ElementsAre(""));
}

TEST_F(ApiClientTest, RefusesEveryOtherCertificateBeforeItSendsAnything) {
  TestServer wrong_name(io, handler, make_certificate(authority, "DNS:other.test,IP:127.0.0.2"));
  ClientConfig config = trusting(wrong_name);
  config.token = "secret";
  EXPECT_THAT(
      error_of(config),
      HasSubstr("the server's certificate is not accepted for \"127.0.0.1\": IP address mismatch"));
  config.tls_server_name = "api.test";
  EXPECT_THAT(error_of(config), HasSubstr("is not accepted for \"api.test\": hostname mismatch"));
  config.tls_server_name = "other.test";
  EXPECT_EQ(error_of(config), "no error");

  TestServer stranger(io, handler, make_certificate(make_authority(), "IP:127.0.0.1"));
  EXPECT_THAT(error_of(trusting(stranger)), HasSubstr("certificate is not accepted"));
  ClientConfig careless = config_for(stranger.url());
  careless.insecure_skip_tls_verify = true;
  EXPECT_EQ(error_of(careless), "no error");
  EXPECT_THAT(authorizations, ElementsAre("Bearer secret", ""));
}

TEST_F(ApiClientTest, ShowsItsOwnCertificate) {
  TestServer server(io, handler, make_certificate(authority, "IP:127.0.0.1"),
                    authority.certificate);
  const KeyPair mine = make_certificate(authority, "DNS:me");
  ClientConfig config = trusting(server);
  EXPECT_NE(error_of(config), "no error");
  config.client_certificate.text = mine.certificate;
  config.client_key.text = mine.key;
  EXPECT_EQ(error_of(config), "no error");
  config.client_key.text = "no key";
  EXPECT_THAT(error_of(config), HasSubstr("client-key-data: "));
}

TEST_F(ApiClientTest, ReadsTheTokenAgainWhenItIsRefused) {
  const std::string file = testing::TempDir() + "/fairlead-token-" + std::to_string(getpid());
  std::ofstream(file) << "old\n";
  answer = [](Exchange& exchange) {
    return exchange.authorization == "Bearer new"
               ? exchange.reply(200, "{}")
               : exchange.reply(401, R"({"message":"Unauthorized"})");
  };
  TestServer server(io, handler, make_certificate(authority, "IP:127.0.0.1"));
  ClientConfig config = trusting(server);
  config.token_file = file;
  auto client = ApiClient::create(config, quick(), "test");
  ASSERT_TRUE(client);
  auto refused = wait_for((*client)->get("/api"));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_status(refused.error(), 401));
  EXPECT_THAT(refused.error().doing, testing::EndsWith("HTTP status 401: Unauthorized"));
  std::ofstream(file) << "new\n";
  EXPECT_TRUE(wait_for((*client)->get("/api")));
  EXPECT_THAT(authorizations, ElementsAre("Bearer old", "Bearer old", "Bearer old", "Bearer new"));
  std::filesystem::remove(file);
  EXPECT_TRUE(wait_for((*client)->get("/api"))) << "a file that is being replaced costs nothing";
}

TEST_F(ApiClientTest, FollowsNoRedirect) {
  TestServer elsewhere(io, handler, make_certificate(authority, "IP:127.0.0.1"));
  TestServer server(
      io,
      [&](Exchange& exchange) {
        return exchange.reply(307, "", "Location: " + elsewhere.url() + "/\r\n");
      },
      make_certificate(authority, "IP:127.0.0.1"));
  ClientConfig config = trusting(server);
  config.token = "secret";
  EXPECT_THAT(error_of(config), HasSubstr("HTTP status 307"));
  EXPECT_TRUE(authorizations.empty());
}

TEST_F(ApiClientTest, PostsAndPatchesJson) {
  std::vector<std::string> got;
  answer = [&](Exchange& exchange) {
    got.push_back(exchange.method + ' ' + exchange.path + ' ' + exchange.content_type + ' ' +
                  exchange.body);
    return exchange.reply(201, "{}");
  };
  TestServer server(io, handler, make_certificate(authority, "IP:127.0.0.1"));
  auto client = ApiClient::create(trusting(server), quick(), "test");
  ASSERT_TRUE(client);
  EXPECT_TRUE(wait_for((*client)->post("/a", {{"x", 1}})));
  EXPECT_TRUE(wait_for((*client)->patch("/b", "application/merge-patch+json", {{"y", 2}})));
  EXPECT_THAT(got, ElementsAre("POST /a application/json {\"x\":1}",
                               "PATCH /b application/merge-patch+json {\"y\":2}"));
}

TEST_F(ApiClientTest, AsksAnExecPluginForItsToken) {
  TestServer server(io, handler, make_certificate(authority, "IP:127.0.0.1"));
  ClientConfig config = trusting(server);
  config.exec = ExecPlugin{
      "client.authentication.k8s.io/v1",
      "sh",
      {"-c",
       R"(echo "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",)"
       R"(\"status\":{\"token\":\"from-$N\"}}")"},
      {{"N", "plugin"}}};
  EXPECT_EQ(error_of(config), "no error");
  EXPECT_THAT(authorizations, ElementsAre("Bearer from-plugin"));
  config.exec->arguments = {"-c", "exit 3"};
  EXPECT_THAT(error_of(config), HasSubstr("exec plugin sh: exit status 3"));
  config.exec->command = "/no/such/plugin";
  EXPECT_THAT(error_of(config), HasSubstr("exec plugin /no/such/plugin: start: No such file"));
}

}  // namespace
}  // namespace fairlead::client::test
