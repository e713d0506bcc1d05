// What people type and what they see; the socket in between is a real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <thread>

#include "cli/admin_client.hpp"
#include "cli/explain_arguments.hpp"
#include "cli/output.hpp"
#include "cli/views.hpp"
#include "http/server.hpp"

namespace fairlead::cli {
namespace {

using ::testing::HasSubstr;

TEST(ExplainArguments, AreTakenWithAndWithoutAnArrow) {
  const std::string expected =
      "/v1/explain?source=10.244.1.5&destination=10.96.0.10&port=80&protocol=UDP";
  EXPECT_EQ(explain_target({"10.244.1.5", "10.96.0.10:80/udp"}).value(), expected);
  EXPECT_EQ(explain_target({"10.244.1.5 -> 10.96.0.10:80/UDP"}).value(), expected);
  EXPECT_EQ(explain_target({"10.244.1.5->10.96.0.10:80/UDP"}).value(), expected);
  EXPECT_EQ(explain_target({"10.244.1.5", "→", "10.96.0.10:80/UDP"}).value(), expected);
  EXPECT_EQ(explain_target({"fd00::1", "[fd00:96::a]:443"}).value(),
            "/v1/explain?source=fd00::1&destination=fd00:96::a&port=443&protocol=TCP");
}

TEST(ExplainArguments, AMistakeIsNamed) {
  EXPECT_THAT(explain_target({"10.244.1.5"}).error().doing,
              HasSubstr("expected SOURCE DESTINATION:PORT"));
  EXPECT_THAT(explain_target({"10.244.1.5", "10.96.0.10"}).error().doing,
              HasSubstr("expected SOURCE DESTINATION:PORT"));
  EXPECT_THAT(explain_target({"web", "10.96.0.10:80"}).error().doing, HasSubstr("web"));
  EXPECT_FALSE(explain_target({"10.244.1.5", "10.96.0.10:0"}));
  EXPECT_FALSE(explain_target({"10.244.1.5", "10.96.0.10:80/ICMP"}));
}

TEST(Output, IsOneValueInThreeShapes) {
  const auto value = boost::json::parse(R"({"a":[1,"x: y",true,null],"b":{},"c":{"d":1.5}})");
  EXPECT_EQ(to_pretty_json(value),
            "{\n  \"a\": [\n    1,\n    \"x: y\",\n    true,\n    null\n  ],\n  \"b\": {},\n  "
            "\"c\": {\n    \"d\": 1.5E0\n  }\n}\n");
  EXPECT_THAT(to_yaml(value), HasSubstr("a:\n  - 1\n  - \"x: y\"\n  - true\n  - ~\n"));
  EXPECT_EQ(to_table({{"A", "LONG"}, {"longer", "b"}}), "A       LONG\nlonger  b\n");
  EXPECT_EQ(text_at(value, "c.d"), "1.5E0");
  EXPECT_EQ(text_at(value, "c.e.f"), "");
}

TEST(Views, ShowServices) {
  const auto services =
      boost::json::parse(R"({"services":[{"service":"ns/web:http","protocol":"TCP",
    "frontends":[{"kind":"ClusterIP","address":"10.96.0.10","port":80,"internal":{"action":"forward"},
      "host":{"action":"forward"},"external":{"action":"forward"}},
      {"kind":"NodePort","address":"","port":30080,"internal":{"action":"forward"},
      "host":{"action":"forward"},"external":{"action":"drop"}}],
    "backends":[{"address":"10.244.1.5","port":8080},{"address":"fd00::5","port":8080}]}]})");
  const std::string view = services_view(services);
  EXPECT_THAT(view, HasSubstr("ns/web:http  ClusterIP  10.96.0.10:80"));
  EXPECT_THAT(view, HasSubstr("10.244.1.5:8080,[fd00::5]:8080"));
  EXPECT_THAT(view, HasSubstr("*:30080"));
  EXPECT_THAT(view, HasSubstr("internal=forward,host=forward,external=drop"));
}

TEST(Views, ShowWhateverAnAnswerLacks) {
  for (const auto* text : {"{}", "[]", "null", R"({"services":5})",
                           R"({"problems":[{}],"apiServer":{"watches":[3]}})"}) {
    const auto value = boost::json::parse(text);
    EXPECT_FALSE(status_view(value).empty());
    EXPECT_FALSE(services_view(value).empty());
    EXPECT_FALSE(drops_view(value).empty());
    EXPECT_FALSE(explain_view(value).empty());
  }
}

/// An agent that answers one way, in a thread of its own.
class AdminSocket : public ::testing::Test {
 protected:
  AdminSocket() {
    std::string path = "/tmp/fairlead-cli-XXXXXX";
    directory = ::mkdtemp(path.data());
    EXPECT_TRUE(server.listen_unix(socket()));
    thread = std::thread([this] { io.run(); });
  }
  ~AdminSocket() override {
    boost::asio::post(io, [this] { server.stop(); });
    thread.join();
    std::filesystem::remove_all(directory);
  }
  [[nodiscard]] std::string socket() const { return directory + "/agent.sock"; }

  static boost::asio::awaitable<http::Response> answer(const http::Request& request) {
    http::Response response;
    response.body =
        request.path == "/v1/status" ? R"({"node":"node1"})" : R"({"error":"port: not a number"})";
    if (request.path != "/v1/status") response.status = 400;
    if (request.path == "/garbage")
      response = {.status = 200, .content_type = "", .headers = {}, .body = "{", .stream = {}};
    co_return response;
  }

  std::string directory;
  boost::asio::io_context io{1};
  http::Server server{io, {.handler = &AdminSocket::answer, .limits = {}, .on_error = {}}};
  std::thread thread;
};

TEST_F(AdminSocket, IsAsked) {
  EXPECT_EQ(text_at(ask_agent(socket(), "/v1/status").value(), "node"), "node1");
}

TEST_F(AdminSocket, TellsWhatIsWrong) {
  EXPECT_EQ(ask_agent(socket(), "/v1/explain").error().doing, "port: not a number");
  EXPECT_THAT(ask_agent(socket(), "/garbage").error().doing, HasSubstr("parse the answer"));
  EXPECT_THAT(ask_agent(directory + "/none", "/v1/status").error().doing,
              HasSubstr("connect: No such file"));
  EXPECT_THAT(ask_agent(std::string(200, 'x'), "/v1/status").error().doing,
              HasSubstr("longer than 107"));
}

}  // namespace
}  // namespace fairlead::cli
