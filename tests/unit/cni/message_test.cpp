// The socket's messages, both ways.
#include "cni/message.hpp"

#include <gtest/gtest.h>

#include "tests/unit/cni/support.hpp"

namespace fairlead::cni {
namespace {

TEST(Message, IsReadAsItWasWritten) {
  const Question question{environment_of("ADD"), config_of(R"("x": "\"\n\u00e4")")};
  EXPECT_EQ(parse_question(to_json(question)).value(), question);
  EXPECT_EQ(parse_question(to_json(Question{})).value(), Question{});
  const Answer answer{1, "{\"code\": 5}"};
  EXPECT_EQ(parse_answer(to_json(answer)).value(), answer);
}

TEST(Message, ThatIsNoneIsAnError) {
  for (const char* text : {"", "{", "[]", R"({"environment": 5})",
                           R"({"environment": {"CNI_COMMAND": 5}})", R"({"config": {}})"}) {
    EXPECT_FALSE(parse_question(text)) << text;
  }
  for (const char* text : {"", "[]", "{}", R"({"exit": 0})", R"({"exit": 2, "stdout": ""})",
                           R"({"exit": -1, "stdout": ""})", R"({"exit": 0, "stdout": 5})"}) {
    EXPECT_FALSE(parse_answer(text)) << text;
  }
}

}  // namespace
}  // namespace fairlead::cni
