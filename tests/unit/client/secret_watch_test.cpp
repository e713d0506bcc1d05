// Secrets by name: what they have, that they are none, and that nobody else hears of their values.
#include "controlplane-client/secret_watch.hpp"

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

const ObjectName kRouter{"net", "router"}, kOther{"net", "other"};
const std::string kData = R"("data":{"password":"czNjcmV0"})";

struct SecretRecorder final : SecretSink {
  void secret(const ObjectName& name, const std::optional<SecretData>& data) override {
    said[name] = data;
    ++times;
  }
  void problem(const Problem& problem, Severity) override {
    problems.push_back(problem.object + ": " + problem.field + ' ' + problem.message);
  }
  void problem_gone(const std::string& object) override { well.push_back(object); }

  [[nodiscard]] bool has(const ObjectName& name, const std::string& password) const {
    const auto found = said.find(name);
    return found != said.end() && found->second == SecretData{{"password", password}};
  }
  [[nodiscard]] bool is_none(const ObjectName& name) const {
    return said.contains(name) && !said.at(name);
  }

  std::map<ObjectName, std::optional<SecretData>> said;
  int times = 0;
  std::vector<std::string> problems, well;
};

struct SecretWatchTest : testing::Test {
  boost::asio::io_context io;
  FakeCollection secrets{io, "Secret"};  // knows no field selectors: gives all to everyone
  bool is_forbidden = false;
  std::set<std::string> selectors;
  TestServer server{io, [this](Exchange& exchange) -> Task {
                      selectors.insert(exchange.parameter("fieldSelector"));
                      if (is_forbidden) return exchange.reply(403, status_text(403, "Forbidden"));
                      if (exchange.path == "/api/v1/namespaces/net/secrets")
                        return secrets.serve(exchange);
                      return exchange.reply(404, "404 page not found");
                    }};
  SecretRecorder recorder;
  SecretWatch watch{io.get_executor(), options(), recorder};

  SecretWatchOptions options() {
    SecretWatchOptions options;
    options.config = config_for(server.url());
    options.timing = quick();
    return options;
  }
};

TEST_F(SecretWatchTest, ASecretIsKnownAndItsChangesAndItsEnd) {
  secrets.set(kRouter, kData);
  EXPECT_TRUE(watch.synced()) << "nothing is asked for";
  watch.watch({kRouter});
  EXPECT_FALSE(watch.synced());
  eventually(io, [&] { return recorder.has(kRouter, "s3cret"); });
  eventually(io, [&] { return watch.synced(); });
  secrets.set(kRouter, R"("data":{"password":"YW5vdGhlcg=="})");
  eventually(io, [&] { return recorder.has(kRouter, "another"); });
  secrets.remove(kRouter);
  eventually(io, [&] { return recorder.is_none(kRouter); });
  secrets.set(kRouter, kData);
  eventually(io, [&] { return recorder.has(kRouter, "s3cret"); });
  EXPECT_THAT(recorder.problems, IsEmpty());
}

TEST_F(SecretWatchTest, OnlyTheNamedOneIsAskedFor) {
  secrets.set(kOther, kData);
  watch.watch({kRouter});
  eventually(io, [&] { return watch.synced() && secrets.watches > 0; });
  EXPECT_THAT(selectors, ElementsAre("metadata.name=router"));
  EXPECT_TRUE(recorder.is_none(kRouter));
  EXPECT_FALSE(recorder.said.contains(kOther)) << "whatever the server sends";
}

TEST_F(SecretWatchTest, NamesComeAndGo) {
  secrets.set(kRouter, kData);
  secrets.set(kOther, kData);
  watch.watch({kRouter});
  eventually(io, [&] { return recorder.has(kRouter, "s3cret"); });
  watch.watch({kRouter, kOther});
  eventually(io, [&] { return recorder.has(kOther, "s3cret"); });
  watch.watch({kOther});
  const int before = recorder.times;
  secrets.set(kRouter, R"("data":{})");
  secrets.set(kOther, R"("data":{"password":"YW5vdGhlcg=="})");
  eventually(io, [&] { return recorder.has(kOther, "another"); });
  EXPECT_TRUE(recorder.has(kRouter, "s3cret")) << "not heard of any more";
  EXPECT_EQ(recorder.times, before + 1);
}

TEST_F(SecretWatchTest, ValuesThatCannotBeReadAreLeftOutAndNotShown) {
  secrets.set(kRouter, R"("data":{"password":"czNjcmV0","bad":"s3cret!","number":7})");
  watch.watch({kRouter});
  eventually(io, [&] { return recorder.has(kRouter, "s3cret") && recorder.problems.size() == 2; });
  EXPECT_THAT(recorder.problems, ElementsAre("Secret net/router: data[bad] is not base64",
                                             "Secret net/router: data[number] is no text"));
}

TEST_F(SecretWatchTest, WithoutPermissionNothingIsKnownAndSomebodyHearsOfIt) {
  is_forbidden = true;
  secrets.set(kRouter, kData);
  watch.watch({kRouter});
  eventually(io, [&] { return !recorder.problems.empty(); });
  EXPECT_FALSE(watch.synced());
  EXPECT_THAT(recorder.said, IsEmpty());
  EXPECT_THAT(recorder.problems.front(), HasSubstr(": secrets net/router: "));
  is_forbidden = false;
  eventually(io, [&] { return recorder.has(kRouter, "s3cret") && !recorder.well.empty(); });
}

TEST_F(SecretWatchTest, AfterStopThereIsNothingMore) {
  secrets.set(kRouter, kData);
  watch.watch({kRouter});
  watch.stop();
  for (int turn = 0; turn < 100; ++turn) io.poll();
  EXPECT_THAT(recorder.said, IsEmpty());
}

}  // namespace
}  // namespace fairlead::client::test
