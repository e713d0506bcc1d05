// YAML as kubectl reads it: what becomes a number, what stays text, and what is refused where.
#include "objects/yaml.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace fairlead {
namespace {

namespace json = boost::json;

json::value one(std::string_view text) {
  auto documents = parse_documents(text);
  EXPECT_TRUE(documents) << documents.error().doing;
  EXPECT_EQ(documents.value().size(), 1U);
  return documents->at(0);
}

std::string error_of(std::string_view text) {
  auto documents = parse_documents(text);
  EXPECT_FALSE(documents) << text;
  return documents ? "" : documents.error().doing;
}

TEST(Yaml, TypesPlainScalarsByTheCoreSchema) {
  struct Case {
    std::string_view yaml, json;
  };
  for (const auto& [yaml, expected] : {
           Case{"1", "1"},
           Case{"-7", "-7"},
           Case{"+7", "7"},
           Case{"0x1f", "31"},
           Case{"0o17", "15"},
           Case{"017", "17"},
           Case{"1.5", "1.5"},
           Case{"-.5e1", "-5.0"},
           Case{"true", "true"},
           Case{"False", "false"},
           Case{"~", "null"},
           Case{"", "null"},
           Case{"null", "null"},
           Case{"yes", R"("yes")"},
           Case{"on", R"("on")"},
           Case{"10.0.0.1", R"("10.0.0.1")"},
           Case{"1e", R"("1e")"},
           Case{"fd00::1", R"("fd00::1")"},
           Case{"inf", R"("inf")"},
           Case{"-", "[null]"},
           Case{"18446744073709551615", "18446744073709551615"},
           Case{"1.2.3", R"("1.2.3")"},
       }) {
    EXPECT_EQ(one("a: " + std::string(yaml == "-" ? "\n  -" : yaml)).at("a"), json::parse(expected))
        << yaml;
  }
}

TEST(Yaml, LeavesQuotedScalarsAsText) {
  EXPECT_EQ(one("a: \"1\"").at("a"), "1");
  EXPECT_EQ(one("a: 'true'").at("a"), "true");
  EXPECT_EQ(one("a: !!str 5").at("a"), "5");
  EXPECT_EQ(one("a: \"\"").at("a"), "");
  EXPECT_EQ(one("a: |\n  1\n").at("a"), "1\n");
}

TEST(Yaml, KeepsKeysAsText) {
  EXPECT_EQ(one("1: a\ntrue: b"), json::parse(R"({"1": "a", "true": "b"})"));
}

TEST(Yaml, ReadsSeveralDocumentsAndSkipsEmptyOnes) {
  const auto documents =
      parse_documents("---\na: 1\n---\n---\n# nothing\n---\nb: [1, {c: d}]\n").value();
  ASSERT_EQ(documents.size(), 2U);
  EXPECT_EQ(documents[0], json::parse(R"({"a": 1})"));
  EXPECT_EQ(documents[1], json::parse(R"({"b": [1, {"c": "d"}]})"));
  EXPECT_TRUE(parse_documents("").value().empty());
}

TEST(Yaml, ReadsJson) {
  EXPECT_EQ(one(R"({"a": "\ud83d\ude00", "b": [1, 2]})").at("b"), json::parse("[1, 2]"));
  EXPECT_EQ(one("\t{\"a\": 1}\n").at("a"), 1);
}

TEST(Yaml, OpensLists) {
  const auto objects =
      parse_documents("kind: List\nitems: [{kind: Service}, {kind: Node}]").value();
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[1].at("kind"), "Node");
}

TEST(Yaml, GivesTheItemsOfATypedListTheirKind) {
  const auto objects =
      parse_documents(R"({"kind": "ServiceList", "apiVersion": "v1", "items": [{"metadata": {}}]})")
          .value();
  ASSERT_EQ(objects.size(), 1U);
  EXPECT_EQ(objects[0].at("kind"), "Service");
  EXPECT_EQ(objects[0].at("apiVersion"), "v1");
}

TEST(Yaml, RefusesAliases) {
  EXPECT_EQ(error_of("a: &x [1]\nb: *x\n"), "line 2, column 4: aliases are not accepted");
}

TEST(Yaml, RefusesABillionLaughsInNoTime) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 30; ++i) {
    const auto n = std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + n + ", *a" + n + "]\n";
  }
  EXPECT_NE(error_of(text).find("aliases"), std::string::npos);
}

TEST(Yaml, RefusesDeepNesting) {
  EXPECT_NE(
      error_of(std::string(100000, '[') + std::string(100000, ']')).find("nested deeper than 64"),
      std::string::npos);
  std::string block;
  for (std::size_t depth = 0; depth < 100; ++depth) block += std::string(depth, ' ') + "a:\n";
  EXPECT_NE(error_of(block).find("nested deeper than 64"), std::string::npos);
  EXPECT_TRUE(parse_documents(std::string(64, '[') + std::string(64, ']')));
}

TEST(Yaml, NamesTheLineOfAMistake) {
  EXPECT_TRUE(error_of("a: 1\nb: [1, 2\nc: 3\n").starts_with("line 3, column "))
      << error_of("a: 1\nb: [1, 2\nc: 3\n");
  EXPECT_EQ(error_of("a: 1\na: 2\n"), "line 2, column 1: the key \"a\" is there twice");
  EXPECT_EQ(error_of("a: !thing 1\n"), "line 1, column 4: the tag \"!thing\" has no JSON form");
  EXPECT_EQ(error_of("a: .nan\n"), "line 1, column 4: \".nan\" has no JSON form");
  EXPECT_EQ(error_of("? [1]\n: 2\n"), "line 1, column 3: a key must be text");
}

TEST(Yaml, SurvivesRubbish) {
  for (const auto* text : {"\x01\x02", "{", "}", "\"", "'", "- - -", ": :", "%YAML 9.9\n---\n",
                           "\xff\xfe", "a: b: c", "!", "&", "*", "|", ">"}) {
    (void)parse_documents(text);
  }
}

// yaml-cpp finds documents without end in these; a parser that asks for all of them eats memory
// until it is killed. The alarm ends the program where that comes back.
TEST(Yaml, EndsWhereItsParserWouldNot) {
  ::alarm(120);
  EXPECT_EQ(error_of(","), "line 1, column 1: what follows belongs to no document");
  EXPECT_EQ(error_of("a: 1\n---\n,\n"), "line 3, column 1: what follows belongs to no document");
  for (const std::string_view text :
       {"- - -\n...\n]", "{}}", "[]]", "a: [1, 2]]\n---\nb: 1", "\"a\","})
    EXPECT_FALSE(parse_documents(text)) << text;
  constexpr std::string_view kCharacters = "-[]{}:?,a \n\"!|.";
  for (const char first : kCharacters)
    for (const char second : kCharacters)
      for (const char third : kCharacters) (void)parse_documents(std::string{first, second, third});
  ::alarm(0);
}

TEST(Yaml, AStreamOfManySmallDocumentsIsNoMistake) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "--- 1\n---\n--- {}\n...\n";
  EXPECT_EQ(parse_documents(text).value().size(), 2000U);  // the empty ones are none
}

}  // namespace
}  // namespace fairlead
