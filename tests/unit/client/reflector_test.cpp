// A reflector against a server that behaves, and against servers that do not: in the end it shows
// what is true.
#include "controlplane-client/reflector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fake_collection.hpp"
#include "mirror.hpp"

namespace fairlead::client::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct ReflectorTest : testing::Test {
  boost::asio::io_context io;
  FakeCollection services{io, "Service"};
  TestServer::Handler answer = [this](Exchange& exchange) { return services.serve(exchange); };
  TestServer server{io, [this](Exchange& exchange) { return answer(exchange); }};

  void fill(int count) {
    for (int i = 0; i < count; ++i) services.set({"default", "svc" + std::to_string(1000 + i)});
  }
  void expect_equal(const Mirror& mirror) {
    eventually(io, [&] { return mirror.objects == services.objects(); });
    EXPECT_EQ(mirror.objects, services.objects());
  }
};

TEST_F(ReflectorTest, ListsInPagesAndThenWatches) {
  fill(1201);
  Mirror mirror(io, config_for(server.url()));
  expect_equal(mirror);
  eventually(io, [&] { return mirror.status.state == ResourceStatus::State::kWatching; });
  EXPECT_THAT(services.list_queries,
              ElementsAre("0/500/", "/500/default/svc1499", "/500/default/svc1999"));
  EXPECT_THAT(services.watch_queries, ElementsAre(std::to_string(services.version())));
  EXPECT_TRUE(mirror.status.synced);
  EXPECT_TRUE(mirror.is_working);
  EXPECT_EQ(mirror.status.objects, 1201U);
  EXPECT_EQ(server.connections(), 1U) << "one connection is kept for pages and watch";

  services.set({"default", "new"});
  services.set({"default", "svc1000"}, R"("spec":{"changed":true})");
  services.remove({"default", "svc1001"});
  expect_equal(mirror);
  EXPECT_EQ(mirror.status.resource_version, std::to_string(services.version()));
  EXPECT_EQ(mirror.lists, 1U);
}

TEST_F(ReflectorTest, SendsItsSelectorsAndAsksForBookmarks) {
  std::map<std::string, std::string> seen;
  answer = [&](Exchange& exchange) {
    if (exchange.is_watch()) seen = exchange.query;
    return services.serve(exchange);
  };
  Mirror mirror(io, config_for(server.url()));
  eventually(io, [&] { return !seen.empty(); });
  EXPECT_EQ(seen["labelSelector"], "!a/b,!c");
  EXPECT_EQ(seen["allowWatchBookmarks"], "true");
  EXPECT_EQ(seen["timeoutSeconds"], "60");
}

TEST_F(ReflectorTest, WatchesAgainFromTheLastVersionWhenTheServerEndsAWatch) {
  fill(2);
  Mirror mirror(io, config_for(server.url()));
  expect_equal(mirror);
  services.set({"default", "more"});
  expect_equal(mirror);
  services.end_watches();
  services.set({"default", "meanwhile"});
  expect_equal(mirror);
  EXPECT_EQ(services.lists, 1U);
  EXPECT_TRUE(mirror.errors.empty());
}

TEST_F(ReflectorTest, TakesItsPlaceFromABookmark) {
  fill(1);
  bool sent = false;
  answer = [&](Exchange& exchange) -> Task {
    if (!exchange.is_watch() || sent) {
      co_await services.serve(exchange);
      co_return;
    }
    sent = true;
    co_await exchange.begin();
    co_await exchange.send(
        R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"555"}}})");
    co_await exchange.end();
  };
  Mirror mirror(io, config_for(server.url()));
  eventually(io, [&] { return !services.watch_queries.empty(); });
  EXPECT_EQ(services.watch_queries.front(), "555");
  EXPECT_EQ(services.lists, 1U);
}

TEST_F(ReflectorTest, ListsAgainWhenTheVersionIsTooOldAndFindsWhatWasDeletedMeanwhile) {
  fill(3);
  bool refuse_by_status = false;
  bool allow_watch = false;
  answer = [&](Exchange& exchange) -> Task {
    if (exchange.is_watch() && refuse_by_status) {
      refuse_by_status = false;
      co_await exchange.reply(410, status_text(410, "too old"));
    } else if (exchange.is_watch() && !allow_watch) {
      services.remove({"default", "svc1001"});
      services.compact();
      allow_watch = true;
      co_await services.watch(exchange);  // answers with an ERROR event
    } else {
      co_await services.serve(exchange);
    }
  };
  Mirror mirror(io, config_for(server.url()));
  eventually(io, [&] { return mirror.lists == 2; });
  expect_equal(mirror);
  EXPECT_EQ(mirror.gone_count, 1U);
  EXPECT_THAT(services.list_queries, ElementsAre("0/500/", "103//"))
      << "the second not older than what was seen";

  services.end_watches();
  refuse_by_status = true;
  services.set({"default", "after"});
  expect_equal(mirror);
  eventually(io, [&] { return mirror.lists == 3; });
  EXPECT_TRUE(mirror.errors.empty()) << "this is how the protocol works, and nobody's trouble";
}

TEST_F(ReflectorTest, ReadsTheLatestStateWhenTheServerWasSetBack) {
  fill(5);
  Mirror mirror(io, config_for(server.url()));
  expect_equal(mirror);
  auto backup = services.objects();
  backup.erase({"default", "svc1002"});
  backup.erase({"default", "svc1003"});
  services.rewind(50,
                  backup);  // the watch from 105 would be silent until version 105 is reached again
  services.set({"default", "after-restore"});
  // Any event or bookmark now carries an older version.
  answer = [&](Exchange& exchange) -> Task {
    if (exchange.is_watch() && exchange.parameter("resourceVersion") == "105") {
      co_await exchange.begin();
      co_await exchange.send(
          R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"51"}}})");
      co_await exchange.end();
      co_return;
    }
    co_await services.serve(exchange);
  };
  expect_equal(mirror);
  EXPECT_EQ(services.list_queries.back(), "/500/");
  EXPECT_THAT(mirror.errors, Contains(HasSubstr("went back in time, from version 105 to 51")));
}

TEST_F(ReflectorTest, NoticesAWatchThatStaysSilentAndThenASetBackServer) {
  fill(2);
  Timing timing = quick();
  timing.silence = std::chrono::milliseconds(30);
  Mirror mirror(io, config_for(server.url()), timing);
  expect_equal(mirror);
  services.rewind(60, {});
  services.set({"default", "restored"});
  expect_equal(mirror);
  EXPECT_EQ(services.list_queries, (std::vector<std::string>{"0/500/", "/1/", "/500/"}))
      << "the version, then the list";
}

TEST_F(ReflectorTest, ListsEverythingFromTimeToTimeAndRepairsALostEvent) {
  fill(3);
  Timing timing = quick();
  timing.relist = std::chrono::milliseconds(90);
  services.distort = [](const std::string& line) {
    return line.find("lost") == std::string::npos ? line : std::string();
  };
  Mirror mirror(io, config_for(server.url()), timing);
  expect_equal(mirror);
  services.set({"default", "lost"});
  services.remove({"default", "svc1000"});
  services.end_watches();
  expect_equal(mirror);
  EXPECT_TRUE(mirror.errors.empty());
}

// Each of these answers to a list must change nothing.
struct BadList {
  const char* name;
  std::function<Task(FakeCollection&, Exchange&)> answer;
};

Task truncated(FakeCollection& services, Exchange& exchange) {
  const std::string body = services.body();
  co_await exchange.raw("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n" + body.substr(0, body.size() / 2));
  exchange.close = true;
}
Task too_short_length(FakeCollection& services, Exchange& exchange) {
  const std::string body = services.body();
  co_await exchange.raw("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size() - 40) +
                        "\r\n\r\n" + body);
  exchange.close = true;
}
Task cut_chunks(FakeCollection& services, Exchange& exchange) {
  co_await exchange.begin();
  co_await exchange.send(services.body().substr(0, 200));
  exchange.close = true;
}
Task ended_early(FakeCollection& services, Exchange& exchange) {
  co_await exchange.begin();
  co_await exchange.send(services.body().substr(0, 200));
  co_await exchange.end();
}
Task closed_body(FakeCollection& services,
                 Exchange& exchange) {  // no length: its end is the connection's
  co_await exchange.raw("HTTP/1.0 200 OK\r\n\r\n" + services.body().substr(0, 200));
  exchange.close = true;
}
Task html(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(200, "<html>Login</html>");
}
Task empty_object(FakeCollection&, Exchange& exchange) { co_await exchange.reply(200, "{}"); }
Task no_body(FakeCollection&, Exchange& exchange) { co_await exchange.reply(200, ""); }
Task status_object(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(200, status_text(500, "oops"));
}
Task no_version(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(200, R"({"kind":"ServiceList","metadata":{},"items":[]})");
}
Task second_page_fails(FakeCollection&, Exchange& exchange) {
  if (exchange.parameter("continue").empty()) {
    co_await exchange.reply(
        200,
        R"({"kind":"ServiceList","metadata":{"resourceVersion":"900","continue":"c"},"items":[]})");
  } else {
    co_await exchange.reply(500, status_text(500, "etcd"));
  }
}
Task endless_pages(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(
      200,
      R"({"kind":"ServiceList","metadata":{"resourceVersion":"900","continue":"c"},"items":[]})");
}
Task server_error(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(503, "no", "Retry-After: 1\r\n");
}
Task too_many(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(429, status_text(429, "slow down"), "Retry-After: 100000\r\n");
}
Task redirect(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(302, "", "Location: http://127.0.0.1:1/\r\n");
}
Task zipped(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(200, "\x1f\x8b", "Content-Encoding: gzip\r\n");
}
Task garbage(FakeCollection&, Exchange& exchange) {
  co_await exchange.raw("\x16\x03\x01 not HTTP at all\r\n\r\n");
  exchange.close = true;
}
Task huge_header(FakeCollection&, Exchange& exchange) {
  co_await exchange.raw("HTTP/1.1 200 OK\r\nX: " + std::string(200000, 'x') + "\r\n\r\n");
  exchange.close = true;
}
Task hang_up(FakeCollection&, Exchange& exchange) {
  exchange.close = true;
  co_return;
}
Task nameless_item(FakeCollection&, Exchange& exchange) {
  co_await exchange.reply(
      200,
      R"({"kind":"ServiceList","metadata":{"resourceVersion":"900"},"items":[{"spec":{}},7]})");
}

class BadListTest : public ReflectorTest, public testing::WithParamInterface<BadList> {};

TEST_P(BadListTest, ChangesNothingAndIsTriedAgain) {
  fill(5);
  unsigned bad = 0;
  bool misbehave = false;
  answer = [&](Exchange& exchange) -> Task {
    if (misbehave && !exchange.is_watch()) {
      ++bad;
      co_await GetParam().answer(services, exchange);
    } else {
      co_await services.serve(exchange);
    }
  };
  Timing timing = quick();
  timing.relist = std::chrono::milliseconds(30);
  Mirror mirror(io, config_for(server.url()), timing);
  expect_equal(mirror);
  const auto before = mirror.objects;
  misbehave = true;
  eventually(io, [&] { return bad >= 3; });
  EXPECT_EQ(mirror.objects, before);
  EXPECT_EQ(mirror.gone_count, 0U);
  misbehave = false;
  services.remove({"default", "svc1000"});
  services.set({"default", "svc1001"}, R"("spec":{"again":1})");
  expect_equal(mirror);
}

INSTANTIATE_TEST_SUITE_P(
    Reflector, BadListTest,
    testing::Values(BadList{"Truncated", truncated}, BadList{"TooShortLength", too_short_length},
                    BadList{"CutChunks", cut_chunks}, BadList{"EndedEarly", ended_early},
                    BadList{"ClosedBody", closed_body}, BadList{"Html", html},
                    BadList{"EmptyObject", empty_object}, BadList{"NoBody", no_body},
                    BadList{"StatusObject", status_object}, BadList{"NoVersion", no_version},
                    BadList{"SecondPageFails", second_page_fails},
                    BadList{"EndlessPages", endless_pages}, BadList{"ServerError", server_error},
                    BadList{"TooMany", too_many}, BadList{"Redirect", redirect},
                    BadList{"Zipped", zipped}, BadList{"Garbage", garbage},
                    BadList{"HugeHeader", huge_header}, BadList{"HangUp", hang_up},
                    BadList{"NamelessItem", nameless_item}),
    [](const auto& bad) { return bad.param.name; });

TEST_F(ReflectorTest, BelievesALossOfMostObjectsOnlyFromTheLatestState) {
  fill(30);
  bool stale_cache = false;
  answer = [&](Exchange& exchange) -> Task {
    if (stale_cache && !exchange.is_watch() && !exchange.parameter("resourceVersion").empty()) {
      co_await exchange.reply(
          200, R"({"kind":"ServiceList","metadata":{"resourceVersion":"130"},"items":[]})");
    } else {
      co_await services.serve(exchange);
    }
  };
  Timing timing = quick();
  timing.relist = std::chrono::milliseconds(30);
  Mirror mirror(io, config_for(server.url()), timing);
  expect_equal(mirror);
  stale_cache = true;
  eventually(io, [&] { return mirror.lists >= 3; });
  EXPECT_EQ(mirror.gone_count, 0U);
  EXPECT_EQ(mirror.objects, services.objects());
}

TEST_F(ReflectorTest, ReadsTheListInOnePieceWhenItsPagesExpire) {
  fill(700);
  bool expired = false;
  answer = [&](Exchange& exchange) -> Task {
    if (!exchange.parameter("continue").empty()) {
      expired = true;
      co_await exchange.reply(410, status_text(410, "The provided continue parameter is too old"));
    } else {
      co_await services.serve(exchange);
    }
  };
  Mirror mirror(io, config_for(server.url()));
  expect_equal(mirror);
  EXPECT_TRUE(expired);
  EXPECT_EQ(services.list_queries.back(), "//");
}

TEST_F(ReflectorTest, SurvivesEveryKindOfImpossibleEvent) {
  fill(3);
  const std::vector<std::string> impossible{
      "garbage\n",
      "{\"type\":\n",
      "[]\n",
      "{}\n",
      "7\n",
      R"({"type":"ADDED"})",
      R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})",
      R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"900"}}})",
      R"({"type":"ADDED","object":{"metadata":{"name":7,"resourceVersion":"900"}}})",
      R"({"type":"EXPLODED","object":{"metadata":{"name":"x","resourceVersion":"900"}}})",
      R"({"type":"DELETED","object":{"metadata":{"namespace":"default","name":"svc1000","resourceVersion":"1"}}})",
      R"({"type":"ERROR","object":{}})",
      R"({"type":"ERROR","object":{"code":500,"message":"etcd"}})",
      R"({"type":"ADDED","object":{"metadata":{"namespace":"default","name":"svc1000","resourceVersion":"900"},"x":")" +
          std::string(10 << 20, 'x') + "\"}}",
      std::string(3000, '[')};
  std::size_t next = 0;
  answer = [&](Exchange& exchange) -> Task {
    if (!exchange.is_watch() || next >= impossible.size()) {
      co_await services.serve(exchange);
      co_return;
    }
    co_await exchange.begin();
    co_await exchange.send(impossible[next++]);
    exchange.close = true;
  };
  Mirror mirror(io, config_for(server.url()));
  eventually(io, [&] { return next == impossible.size() && services.watches > 0; });
  services.set({"default", "last"});
  expect_equal(mirror);
  EXPECT_EQ(mirror.gone_count, 0U);
  EXPECT_THAT(mirror.unusables, Contains("default/svc1000 too large"));
}

TEST_F(ReflectorTest, KeepsAnObjectThatIsTooLargeAndLosesNoOther) {
  fill(3);
  Mirror mirror(io, config_for(server.url()));
  expect_equal(mirror);
  const std::string before = mirror.objects.at({"default", "svc1001"});
  services.set({"default", "svc1001"}, R"("spec":{"x":")" + std::string(10 << 20, 'x') + "\"}");
  services.set({"default", "other"});
  eventually(io, [&] {
    return mirror.objects.contains({"default", "other"}) && mirror.lists >= 2;
  });
  EXPECT_EQ(mirror.objects.at({"default", "svc1001"}), before);
  EXPECT_THAT(mirror.unusables, Contains("default/svc1001 too large"));
  services.remove({"default", "svc1001"});
  expect_equal(mirror);
}

TEST_F(ReflectorTest, WaitsForAServerThatIsAway) {
  fill(3);
  server.vanish();
  Mirror mirror(io, config_for(server.url()));
  eventually(io, [&] { return mirror.errors.size() >= 3; });
  EXPECT_THAT(mirror.errors.front(), HasSubstr("connect: Connection refused"));
  EXPECT_FALSE(mirror.lasting_seen);
  server.resume();
  expect_equal(mirror);

  server.vanish();
  services.remove({"default", "svc1000"});
  eventually(io, [&] { return !mirror.is_working; });
  EXPECT_EQ(mirror.objects.size(), 3U);
  server.resume();
  expect_equal(mirror);
  EXPECT_EQ(mirror.lists, 1U) << "a watch goes on where it was: nothing has to be listed again";
  EXPECT_TRUE(mirror.is_working);
}

TEST_F(ReflectorTest, GivesUpOnAServerThatAcceptsAndSaysNothing) {
  fill(1);
  boost::asio::steady_timer never(io, boost::asio::steady_timer::time_point::max());
  bool silent = true;
  answer = [&](Exchange& exchange) -> Task {
    if (silent) {
      co_await never.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    } else {
      co_await services.serve(exchange);
    }
  };
  Timing timing = quick();
  timing.header = std::chrono::milliseconds(20);
  Mirror mirror(io, config_for(server.url()), timing);
  eventually(io, [&] { return mirror.errors.size() >= 2; });
  EXPECT_THAT(mirror.errors.front(), HasSubstr("wait for an answer: no answer in time"));
  silent = false;
  expect_equal(mirror);
  never.cancel();
}

TEST_F(ReflectorTest, SaysWhenAPersonMustAct) {
  answer = [&](Exchange& exchange) {
    return exchange.reply(403, status_text(403, "services is forbidden"));
  };
  Mirror mirror(io, config_for(server.url()));
  eventually(io, [&] { return !mirror.errors.empty(); });
  EXPECT_THAT(mirror.errors.front(), testing::EndsWith("HTTP status 403: services is forbidden"));
  EXPECT_TRUE(mirror.lasting_seen);
}

TEST_F(ReflectorTest, AsksForThePathAgainAfter404) {
  answer = [&](Exchange& exchange) { return exchange.reply(404, "404 page not found"); };
  Mirror mirror(io, config_for(server.url()));
  eventually(io, [&] { return mirror.paths_not_found > 0; });
}

}  // namespace
}  // namespace fairlead::client::test
