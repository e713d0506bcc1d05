// Secrets: what is stored of them, and what is refused as kube-apiserver refuses it.
#include "controlplane/api/base64.hpp"
#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

json::object stored(std::string_view body) {
  Cluster cluster;
  return cluster.stored(kind("Secret"), body);
}

TEST(Base64, GoesThereAndBack) {
  for (const std::string_view bytes : {"", "a", "ab", "abc", "abcd", "\xff\xfe\x80"}) {
    const std::string text = to_base64(bytes);
    EXPECT_EQ(from_base64(text), bytes) << text;
  }
  EXPECT_EQ(to_base64("s3cret"), "czNjcmV0");
  for (const std::string_view bad : {"a", "ab=", "====", "a===", "!!!!"})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

TEST(Secret, IsOpaqueUnlessItSaysOtherwise) {
  EXPECT_EQ(text(stored(R"({"metadata":{"name":"s"}})"), {"type"}), "Opaque");
  EXPECT_EQ(text(stored(R"({"metadata":{"name":"s"},"type":"example.com/own"})"), {"type"}),
            "example.com/own");
}

TEST(Secret, TextsBecomeDataAndWin) {
  const json::object secret = stored(
      R"({"metadata":{"name":"s"},"data":{"a":"b2xk","b":"Ymxvb20="},"stringData":{"a":"new"}})");
  EXPECT_EQ(text(secret, {"data", "a"}), "bmV3");
  EXPECT_EQ(text(secret, {"data", "b"}), "Ymxvb20=");
  EXPECT_FALSE(secret.contains("stringData"));
}

TEST(Secret, LineBreaksInBase64AreNotKept) {
  EXPECT_EQ(text(stored("{\"metadata\":{\"name\":\"s\"},\"data\":{\"a\":\"b2\\nxk\\r\\n\"}}"),
                 {"data", "a"}),
            "b2xk");
}

struct Case {
  std::string body, message;
};

TEST(Secret, WhatItsTypeNeedsMustBeThere) {
  const std::string json = to_base64("{\"auths\":{}}");
  for (const auto& [body, message] : {
           Case{R"("data":{"a/b":""})", "data[a/b]: Invalid value: \"a/b\""},
           Case{R"("type":"kubernetes.io/basic-auth")",
                "[data[username]: Required value, data[password]: Required value]"},
           Case{R"("type":"kubernetes.io/basic-auth","data":{"password":""})", ""},
           Case{R"("type":"kubernetes.io/ssh-auth","data":{"ssh-privatekey":""})",
                "data[ssh-privatekey]: Required value"},
           Case{R"("type":"kubernetes.io/tls","data":{"tls.crt":""})",
                "data[tls.key]: Required value"},
           Case{R"("type":"kubernetes.io/tls","stringData":{"tls.crt":"","tls.key":""})", ""},
           Case{R"("type":"kubernetes.io/service-account-token")",
                "metadata.annotations[kubernetes.io/service-account.name]: Required value"},
           Case{R"("type":"kubernetes.io/dockercfg")", "data[.dockercfg]: Required value"},
           Case{
               R"("type":"kubernetes.io/dockerconfigjson","stringData":{".dockerconfigjson":"no"})",
               "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": must be a "
               "JSON object"},
           Case{R"("type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":")" + json +
                    "\"}",
                ""},
       }) {
    Cluster cluster;
    const auto made = cluster.create(kind("Secret"), R"({"metadata":{"name":"s"},)" + body + '}');
    EXPECT_EQ(made.has_value(), message.empty()) << body;
    if (!made) {
      EXPECT_THAT(made.error().message, HasSubstr(message));
    }
  }
}

TEST(Secret, HoldsAMebibyte) {
  const auto made = [](std::size_t bytes) {
    Cluster cluster;
    return cluster.create(kind("Secret"), R"({"metadata":{"name":"s"},"data":{"a":")" +
                                              to_base64(std::string(bytes, 'x')) + "\"}}");
  };
  EXPECT_TRUE(made(1 << 20));
  const auto refused = made((1 << 20) + 1);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("data: Too long: may not be more than 1048576"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("eHh4")));
}

TEST(Secret, KeepsItsTypeAndWhatIsImmutable) {
  Cluster cluster;
  const json::object old = cluster.stored(
      kind("Secret"), R"({"metadata":{"name":"s"},"immutable":true,"data":{"a":"b2xk"}})");
  json::object other = old;
  other["type"] = "kubernetes.io/tls";
  EXPECT_THAT(message_of(cluster.update(kind("Secret"), old, other)),
              HasSubstr("type: Invalid value: \"kubernetes.io/tls\": field is immutable"));
  other = old;
  other["stringData"] = json::object{{"a", "new"}};
  EXPECT_THAT(message_of(cluster.update(kind("Secret"), old, other)),
              HasSubstr("data: Forbidden: field is immutable when `immutable` is set"));
  other["stringData"] = json::object{{"a", "old"}};
  EXPECT_TRUE(cluster.update(kind("Secret"), old, other)->unchanged);
  other.erase("immutable");
  EXPECT_THAT(message_of(cluster.update(kind("Secret"), old, other)),
              HasSubstr("immutable: Forbidden: field is immutable when `immutable` is set"));
}

}  // namespace
}  // namespace fairlead::api
