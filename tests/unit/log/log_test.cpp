#include "log/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fairlead::log {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(Log, TextLinesCarryTimeLevelMessageAndFields) {
  std::string lines;
  const Logger log({.capture = &lines});
  log.info("synced", {{"services", 10U}, {"took_ms", 1.5}, {"changed", true}, {"name", "web"}});
  EXPECT_THAT(lines, MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9:]+\\.[0-9]+Z INFO  synced .*\n"));
  EXPECT_THAT(lines, EndsWith("services=10 took_ms=1.5 changed=true name=web\n"));
}

TEST(Log, HostileTextCannotForgeALine) {
  std::string lines;
  const Logger log({.capture = &lines});
  log.warn("skipped", {{"object", "a b\nERROR \"x\"=\x01"}});
  EXPECT_THAT(lines, EndsWith("object=\"a b\\nERROR \\\"x\\\"=\\u0001\"\n"));
}

TEST(Log, JsonLinesAreJsonAndPercentSignsAreText) {
  std::string lines;
  const Logger log({.format = Format::kJson, .capture = &lines});
  log.error("100% {} \"full\"", {{"free", -1}});
  EXPECT_THAT(lines, HasSubstr(R"("level":"error","message":"100% {} \"full\"","free":-1})"));
}

TEST(Log, LinesBelowTheLevelAreNotWritten) {
  std::string lines;
  const Logger log({.level = Level::kWarn, .capture = &lines});
  log.info("quiet");
  EXPECT_EQ(lines, "");
}

TEST(Log, ContextFollowsEachLine) {
  std::string lines;
  const Logger log({.capture = &lines});
  log.with({{"datapath", "nftables"}}).info("ready", {{"tables", 1}});
  EXPECT_THAT(lines, EndsWith("ready tables=1 datapath=nftables\n"));
}

TEST(Log, UnknownLevelsAndFormatsAreNamed) {
  EXPECT_EQ(parse_level("loud").error().doing,
            "log level \"loud\": must be debug, info, warn or error");
  EXPECT_EQ(parse_format("xml").error().doing, "log format \"xml\": must be text or json");
  EXPECT_EQ(*parse_level("warn"), Level::kWarn);
}

}  // namespace
}  // namespace fairlead::log
