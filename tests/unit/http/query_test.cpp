#include "http/query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/gzip.hpp"

namespace fairlead::http {
namespace {

TEST(Query, DecodesNamesAndValuesAfterSplitting) {
  const auto query = Query::parse("labelSelector=a%3Db%26c&x+y=1&&empty=&bare");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->get("labelSelector"), "a=b&c");
  EXPECT_EQ(query->get("x y"), "1");
  EXPECT_EQ(query->get("empty"), "");
  EXPECT_EQ(query->get("bare"), "");
  EXPECT_EQ(query->get("absent"), std::nullopt);
}

TEST(Query, KeepsAllValuesOfAName) {
  EXPECT_THAT(Query::parse("dryRun=All&dryRun=x")->get_all("dryRun"),
              ::testing::ElementsAre("All", "x"));
}

TEST(Query, BooleansFollowKubernetes) {
  const auto query = Query::parse("a=True&b=0&c=FALSE&d&e=yes");
  EXPECT_TRUE(query->is_true("a"));
  EXPECT_FALSE(query->is_true("b"));
  EXPECT_FALSE(query->is_true("c"));
  EXPECT_TRUE(query->is_true("d"));
  EXPECT_TRUE(query->is_true("e"));
  EXPECT_FALSE(query->is_true("absent"));
}

TEST(Query, RefusesBrokenEscapes) {
  EXPECT_EQ(Query::parse("a=%zz").error().doing, "invalid URL escape \"%zz\"");
  EXPECT_EQ(Query::parse("a=%4").error().doing, "invalid URL escape \"%4\"");
}

TEST(Gzip, PacksWhatGunzipUnpacks) {
  const std::string packed = gzip(std::string(100000, 'a'));
  EXPECT_LT(packed.size(), 1000U);
  EXPECT_EQ(packed.substr(0, 2), "\x1f\x8b");
}

TEST(Gzip, IsOnlyForClientsThatAcceptIt) {
  EXPECT_TRUE(accepts_gzip("deflate, gzip"));
  EXPECT_TRUE(accepts_gzip("gzip;q=0.5"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("identity"));
  EXPECT_FALSE(accepts_gzip(""));
}

}  // namespace
}  // namespace fairlead::http
