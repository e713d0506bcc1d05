// Lists and events, cut at every place.
#include "controlplane-client/json_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::client {
namespace {

using testing::ElementsAre;

struct Collector : JsonStreamSink {
  void value(const boost::json::value& value) override {
    values.push_back(boost::json::serialize(value));
  }
  void member(std::string_view key, const boost::json::value& value) override {
    members.push_back(std::string(key) + '=' + boost::json::serialize(value));
  }
  void oversized(const ObjectName& name, std::string_view why) override {
    dropped.push_back(to_string(name) + ' ' + std::string(why));
  }
  std::vector<std::string> values, members, dropped;
};

constexpr std::string_view kList =
    R"({"kind":"ServiceList","metadata":{"resourceVersion":"7","continue":"x\u00e9"},)"
    R"("items":[{"metadata":{"name":"a"},"spec":{"ports":[1,-2,3.5,true,null,"é\n"]}}, {"metadata":{"name":"b"}} ],"last":[{}]} )";

TEST(JsonStream, CutsAListIntoItsItemsWhereverTheBytesWereCut) {
  for (std::size_t cut = 0; cut < kList.size(); ++cut) {
    Collector got;
    JsonStream stream(JsonStream::Shape::kList, got);
    ASSERT_TRUE(stream.feed(kList.substr(0, cut)));
    ASSERT_TRUE(stream.feed(kList.substr(cut)));
    ASSERT_TRUE(stream.finish());
    ASSERT_THAT(
        got.values,
        ElementsAre(R"({"metadata":{"name":"a"},"spec":{"ports":[1,-2,3.5E0,true,null,"é\n"]}})",
                    R"({"metadata":{"name":"b"}})"));
    ASSERT_THAT(got.members,
                ElementsAre(R"(kind="ServiceList")",
                            R"(metadata={"resourceVersion":"7","continue":"xé"})", "last=[{}]"));
  }
}

TEST(JsonStream, GivesAnEventAtItsLastByte) {
  Collector got;
  JsonStream stream(JsonStream::Shape::kEvents, got);
  ASSERT_TRUE(stream.feed("\n {\"a\":1"));
  EXPECT_THAT(got.values, ElementsAre());
  ASSERT_TRUE(stream.feed("}"));
  EXPECT_THAT(got.values, ElementsAre("{\"a\":1}"));
  ASSERT_TRUE(stream.feed("{\"b\":2}\n\n{\"c\":3}\n{\"d\""));
  EXPECT_THAT(got.values, ElementsAre("{\"a\":1}", "{\"b\":2}", "{\"c\":3}"));
  EXPECT_FALSE(stream.finish());
}

TEST(JsonStream, RefusesWhatIsNoJsonAndWhatIsNoList) {
  for (const std::string_view bad : {"<html>", "[1]", "\"text\"", "12 ", "{} {}", "{]", "null "}) {
    Collector got;
    JsonStream stream(JsonStream::Shape::kList, got);
    const auto fed = stream.feed(bad);
    EXPECT_FALSE(fed && stream.finish()) << bad;
  }
  Collector got;
  JsonStream stream(JsonStream::Shape::kList, got);
  EXPECT_FALSE(stream.finish());
}

TEST(JsonStream, PassesOverAnObjectThatIsTooLargeAndNamesIt) {
  const std::string large(100000, 'x');
  const std::string list = R"({"items":[{"metadata":{"namespace":"n","name":"first"},"x":")" +
                           large + R"("},{"x":[")" + large +
                           R"("],"metadata":{"name":"second"}},{"metadata":{"name":"third"}}]})";
  for (const std::size_t piece : {std::size_t{1000}, list.size()}) {
    Collector got;
    JsonStream stream(JsonStream::Shape::kList, got, {.bytes = 50000, .depth = 64});
    for (std::size_t at = 0; at < list.size(); at += piece)
      ASSERT_TRUE(stream.feed(std::string_view(list).substr(at, piece)));
    ASSERT_TRUE(stream.finish());
    EXPECT_THAT(got.values, ElementsAre(R"({"metadata":{"name":"third"}})"));
    EXPECT_THAT(got.dropped, ElementsAre("n/first too large", "/second too large"));
  }
}

TEST(JsonStream, PassesOverAnEventThatIsNestedTooDeeply) {
  const std::string deep =
      R"({"type":"ADDED","object":{"metadata":{"namespace":"n","name":"a"},"x":)" +
      std::string(200, '[') + std::string(200, ']') + "}}";
  Collector got;
  JsonStream stream(JsonStream::Shape::kEvents, got);
  ASSERT_TRUE(stream.feed(deep + "{\"a\":1}"));
  EXPECT_THAT(got.values, ElementsAre("{\"a\":1}"));
  EXPECT_THAT(got.dropped, ElementsAre("n/a nested too deeply"));
}

TEST(JsonStream, KeepsOneObjectsBadBytesFromCostingTheOthers) {
  Collector got;
  JsonStream stream(JsonStream::Shape::kList, got);
  ASSERT_TRUE(stream.feed("{\"items\":[{\"a\":\"\xff\xfe\"},{\"b\":1}]}"));
  ASSERT_TRUE(stream.finish());
  EXPECT_EQ(got.values.size(), 2U);
}

}  // namespace
}  // namespace fairlead::client
