// `fairlead plan` as a user runs it, against the answers in tests/golden/plan: NAME.yaml is the
// input, its first line
// ("# plan: FLAGS") the flags, NAME.json the expected standard output and NAME.err the expected
// standard error, if any. FAIRLEAD_UPDATE_GOLDEN=1 writes the answers instead; look at the diff
// before it is committed.
#include "cli/plan_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace fairlead::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

struct Answer {
  int exit_code = 0;
  std::string out, err;
};

Answer run_plan(const std::string& flags, const std::string& standard_input = "") {
  std::istringstream in(standard_input);
  std::ostringstream out, err;
  Answer answer;
  CLI::App app;
  add_plan_command(app, answer.exit_code, {in, out, err});
  try {
    app.parse("plan " + flags);
  } catch (const CLI::ParseError& error) {
    answer.exit_code = app.exit(error, out, err);
  }
  answer.out = out.str();
  answer.err = err.str();
  return answer;
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void write(const fs::path& path, const std::string& text) {
  if (text.empty()) {
    fs::remove(path);
  } else {
    std::ofstream(path) << text;
  }
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(GOLDEN_DIR "/plan")) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenPlan : public testing::TestWithParam<std::string> {};

TEST_P(GoldenPlan, AnswersAsExpected) {
  constexpr std::string_view kMark = "# plan: ";
  const fs::path base = fs::path(GOLDEN_DIR) / "plan" / GetParam();
  const std::string input = read(base.string() + ".yaml");
  ASSERT_TRUE(input.starts_with(kMark));
  const std::string flags = input.substr(kMark.size(), input.find('\n') - kMark.size());
  const Answer answer = run_plan("-f - -o json " + flags, input);
  EXPECT_EQ(answer.exit_code, 0);
  if (std::getenv("FAIRLEAD_UPDATE_GOLDEN") != nullptr) {
    write(base.string() + ".json", answer.out);
    write(base.string() + ".err", answer.err);
  }
  EXPECT_EQ(answer.out, read(base.string() + ".json"));
  EXPECT_EQ(answer.err, read(base.string() + ".err"));
}
INSTANTIATE_TEST_SUITE_P(Files, GoldenPlan, testing::ValuesIn(golden_names()),
                         [](const auto& name) { return name.param; });

TEST(PlanCommand, NamesTheFileAndLineOfAMistake) {
  const Answer answer = run_plan("-f - --node a", "a: 1\na: 2\n");
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_EQ(answer.err,
            "fairlead plan: standard input: line 2, column 1: the key \"a\" is there twice\n");
  EXPECT_THAT(answer.out, IsEmpty());
}

TEST(PlanCommand, FailsWithoutTheFile) {
  const Answer answer = run_plan("-f /nowhere/at/all.yaml --node a");
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_EQ(answer.err, "fairlead plan: open /nowhere/at/all.yaml: No such file or directory\n");
}

TEST(PlanCommand, NamesTheFlagOfAMistake) {
  EXPECT_THAT(run_plan("-f - --node a --cluster-cidr 10.0.0.0/8,x").err,
              HasSubstr("--cluster-cidr: \"x\" is not a CIDR"));
  EXPECT_THAT(run_plan("-f - --node a --detect-local-mode Magic").err,
              HasSubstr("--detect-local-mode"));
  EXPECT_NE(run_plan("-f -").exit_code, 0);
}

TEST(PlanCommand, ReadsADirectory) {
  const fs::path directory =
      fs::path(testing::TempDir()) / ("fairlead-plan-" + std::to_string(getpid()));
  fs::create_directory(directory);
  write(directory / "a.yaml", "{kind: Node, metadata: {name: a}}");
  write(
      directory / "b.json",
      R"({"kind": "Service", "metadata": {"name": "web"}, "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80}]}})");
  write(directory / "README.md", "not read: [");
  const Answer answer = run_plan("-o table --node a -f " + directory.string());
  fs::remove_all(directory);
  EXPECT_THAT(answer.err, IsEmpty());
  EXPECT_THAT(answer.out, HasSubstr("default/web"));
}

TEST(PlanCommand, PrintsYaml) {
  EXPECT_THAT(run_plan("-f - --node a -o yaml", "{kind: Node, metadata: {name: a}}").out,
              HasSubstr("node: \"a\"\n"));
}

}  // namespace
}  // namespace fairlead::cli
