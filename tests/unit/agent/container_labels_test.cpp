// A command's output -> labels; a command that fails -> what it said.
#include "agent/container_labels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

Result<std::map<std::string, std::string>> labels(std::vector<std::string> command,
                                                  std::chrono::milliseconds limit = 30s) {
  const std::atomic<bool> stopped = false;
  return read_container_labels(command, "c0ffee", limit, stopped);
}
/// The container's id is $0.
auto shell(const std::string& script, std::chrono::milliseconds limit = 30s) {
  return labels({"sh", "-c", script}, limit);
}

TEST(ContainerLabels, AreTheLastLineThatTheCommandWrites) {
  const auto read = shell(R"(echo a warning >&2; echo "{\"app\": \"web\", \"id\": \"$0\"}")");
  ASSERT_TRUE(read) << read.error().doing;
  EXPECT_THAT(*read, ElementsAre(Pair("app", "web"), Pair("id", "c0ffee")));
}

TEST(ContainerLabels, AreNoneWhereTheCommandSaysNull) {
  const auto read = shell("echo null");
  ASSERT_TRUE(read) << read.error().doing;
  EXPECT_THAT(*read, IsEmpty());
}

TEST(ContainerLabels, AreNotKnownWhereTheCommandFailsAndItsWordsAreKept) {
  const auto read = shell("echo no such container >&2; exit 125");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().doing, "sh failed: no such container");
}

TEST(ContainerLabels, AreNotKnownWhereThereIsNoSuchCommand) {
  const auto read = labels({"/nonexistent/podman"});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().doing, HasSubstr("start /nonexistent/podman: No such file"));
}

TEST(ContainerLabels, AreNotKnownWhereTheOutputIsNoObject) {
  EXPECT_FALSE(shell("echo '[1]'"));
  EXPECT_FALSE(shell("true"));
}

TEST(ContainerLabels, AreAskedForAgainWhereNoAnswerCame) {
  const auto read = shell("read x < /dev/fd/1", 1ms);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, std::errc::timed_out);
}

}  // namespace
}  // namespace fairlead
