// RFC 6902's and RFC 7386's own examples, and strategic merges as kubectl sends them.
#include "controlplane/api/patch.hpp"

#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

struct Case {
  std::string name, document, patch, result;  // result "": refused
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class JsonPatch : public testing::TestWithParam<Case> {};

TEST_P(JsonPatch, DoesWhatTheRfcSays) {
  auto result = json_patch(from_text(GetParam().document), from_text(GetParam().patch));
  if (GetParam().result.empty()) {
    EXPECT_FALSE(result);
  } else {
    ASSERT_TRUE(result) << result.error().doing;
    EXPECT_EQ(*result, from_text(GetParam().result));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rfc6902AppendixA, JsonPatch,
    testing::Values(
        Case{"A1", R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
             R"({"baz":"qux","foo":"bar"})"},
        Case{"A2", R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
             R"({"foo":["bar","qux","baz"]})"},
        Case{"A3", R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])",
             R"({"foo":"bar"})"},
        Case{"A4", R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])",
             R"({"foo":["bar","baz"]})"},
        Case{"A5", R"({"baz":"qux","foo":"bar"})",
             R"([{"op":"replace","path":"/baz","value":"boo"}])", R"({"baz":"boo","foo":"bar"})"},
        Case{"A6", R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
             R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
             R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
        Case{"A7", R"({"foo":["all","grass","cows","eat"]})",
             R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
             R"({"foo":["all","cows","eat","grass"]})"},
        Case{
            "A8", R"({"baz":"qux","foo":["a",2,"c"]})",
            R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
            R"({"baz":"qux","foo":["a",2,"c"]})"},
        Case{"A9", R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])", ""},
        Case{"A10", R"({"foo":"bar"})",
             R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
             R"({"foo":"bar","child":{"grandchild":{}}})"},
        Case{"A11", R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux","xyz":123}])",
             R"({"foo":"bar","baz":"qux"})"},
        Case{"A12", R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])", ""},
        Case{"A14", R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])",
             R"({"/":9,"~1":10})"},
        Case{"A15", R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":"10"}])", ""},
        Case{"A16", R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
             R"({"foo":["bar",["abc","def"]]})"}));

INSTANTIATE_TEST_SUITE_P(
    Edges, JsonPatch,
    testing::Values(
        Case{"copy", R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/c"}])",
             R"({"a":{"b":1},"c":{"b":1}})"},
        Case{"remove missing", "{}", R"([{"op":"remove","path":"/a"}])", ""},
        Case{"index out of range", R"({"a":[1]})", R"([{"op":"add","path":"/a/3","value":1}])", ""},
        Case{"leading zero", R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/01"}])", ""},
        Case{"into itself", R"({"a":{"b":{}}})", R"([{"op":"move","from":"/a","path":"/a/b/c"}])",
             ""},
        Case{"unknown operation", "{}", R"([{"op":"spin","path":"/a"}])", ""},
        Case{"not a pointer", "{}", R"([{"op":"add","path":"a","value":1}])", ""}));

TEST(JsonPatchLimits, StopsADocumentThatDoublesItself) {
  json::array operations;
  for (int i = 0; i < 40; ++i) {
    operations.push_back({{"op", "copy"}, {"from", ""}, {"path", "/a" + std::to_string(i)}});
  }
  EXPECT_FALSE(json_patch(object(R"({"text":"some text"})"), operations));
}

class MergePatch : public testing::TestWithParam<Case> {};

TEST_P(MergePatch, DoesWhatTheRfcSays) {
  EXPECT_EQ(merge_patch(from_text(GetParam().document), from_text(GetParam().patch)),
            from_text(GetParam().result));
}

INSTANTIATE_TEST_SUITE_P(
    Rfc7386AppendixA, MergePatch,
    testing::Values(Case{"1", R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
                    Case{"2", R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
                    Case{"3", R"({"a":"b"})", R"({"a":null})", "{}"},
                    Case{"4", R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
                    Case{"5", R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
                    Case{"6", R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
                    Case{"7", R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})",
                         R"({"a":{"b":"d"}})"},
                    Case{"8", R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
                    Case{"9", R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
                    Case{"10", R"({"a":"b"})", R"(["c"])", R"(["c"])"},
                    Case{"11", R"({"a":"foo"})", "null", "null"},
                    Case{"12", R"({"a":"foo"})", R"("bar")", R"("bar")"},
                    Case{"13", R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
                    Case{"14", "[1,2]", R"({"a":"b","c":null})", R"({"a":"b"})"},
                    Case{"15", "{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}));

class StrategicMerge : public testing::TestWithParam<Case> {};

TEST_P(StrategicMerge, DoesWhatKubectlMeans) {
  const ResourceType& type = kind(GetParam().name.starts_with("pod") ? "Pod" : "Service");
  auto result = strategic_merge_patch(type, object(GetParam().document), object(GetParam().patch));
  if (GetParam().result.empty()) {
    EXPECT_FALSE(result);
  } else {
    ASSERT_TRUE(result) << result.error().doing;
    EXPECT_EQ(json::value(*result), from_text(GetParam().result));
  }
}

constexpr const char* kTwoPorts =
    R"({"spec":{"ports":[{"name":"a","port":80},{"name":"b","port":443}]}})";

INSTANTIATE_TEST_SUITE_P(
    Cases, StrategicMerge,
    testing::Values(
        Case{
            "changes one element", kTwoPorts,
            R"({"spec":{"ports":[{"port":443,"targetPort":8443}]}})",
            R"({"spec":{"ports":[{"name":"a","port":80},{"name":"b","port":443,"targetPort":8443}]}})"},
        Case{
            "adds an element", kTwoPorts, R"({"spec":{"ports":[{"port":53,"name":"c"}]}})",
            R"({"spec":{"ports":[{"name":"a","port":80},{"name":"b","port":443},{"port":53,"name":"c"}]}})"},
        Case{"deletes an element", kTwoPorts,
             R"({"spec":{"ports":[{"$patch":"delete","port":80}]}})",
             R"({"spec":{"ports":[{"name":"b","port":443}]}})"},
        Case{"kubectl apply: order and delete", kTwoPorts,
             R"({"spec":{"$setElementOrder/ports":[{"port":443},{"port":90}],
                 "ports":[{"name":"c","port":90},{"$patch":"delete","port":80}]}})",
             R"({"spec":{"ports":[{"name":"b","port":443},{"name":"c","port":90}]}})"},
        Case{"order keeps the server's own",
             R"({"spec":{"ports":[{"port":1},{"port":2},{"port":3},{"port":4}]}})",
             R"({"spec":{"$setElementOrder/ports":[{"port":4},{"port":2}]}})",
             R"({"spec":{"ports":[{"port":1},{"port":3},{"port":4},{"port":2}]}})"},
        Case{"replaces a list", kTwoPorts,
             R"({"spec":{"ports":[{"$patch":"replace"},{"port":1}]}})",
             R"({"spec":{"ports":[{"port":1}]}})"},
        Case{"merge key missing", kTwoPorts, R"({"spec":{"ports":[{"name":"a"}]}})", ""},
        Case{"replaces an object", R"({"spec":{"selector":{"a":"b"}}})",
             R"({"spec":{"selector":{"$patch":"replace","c":"d"}}})",
             R"({"spec":{"selector":{"c":"d"}}})"},
        Case{"deletes an object", R"({"spec":{"selector":{"a":"b"}}})",
             R"({"spec":{"selector":{"$patch":"delete"}}})", R"({"spec":{"selector":{}}})"},
        Case{"merges a map", R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
             R"({"metadata":{"labels":{"a":null,"c":"3"}}})",
             R"({"metadata":{"labels":{"b":"2","c":"3"}}})"},
        Case{"an atomic list is replaced", R"({"spec":{"externalIPs":["1.1.1.1"]}})",
             R"({"spec":{"externalIPs":["2.2.2.2"]}})", R"({"spec":{"externalIPs":["2.2.2.2"]}})"},
        Case{"a set is merged", R"({"metadata":{"finalizers":["a/b"]}})",
             R"({"metadata":{"finalizers":["c/d","a/b"]}})",
             R"({"metadata":{"finalizers":["a/b","c/d"]}})"},
        Case{
            "deletes from a set", R"({"metadata":{"finalizers":["a/b","c/d"]}})",
            R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a/b"],"$setElementOrder/finalizers":["c/d"]}})",
            R"({"metadata":{"finalizers":["c/d"]}})"},
        Case{"unknown directive", R"({"spec":{}})", R"({"spec":{"$patch":"burn"}})", ""},
        Case{"null removes", R"({"spec":{"type":"NodePort","clusterIP":"x"}})",
             R"({"spec":{"type":null}})", R"({"spec":{"clusterIP":"x"}})"},
        Case{
            "pod: nested keyed lists",
            R"({"spec":{"containers":[{"name":"c","image":"a","env":[{"name":"X","value":"1"}]}]}})",
            R"({"spec":{"containers":[{"name":"c","env":[{"name":"Y","value":"2"}]}]}})",
            R"({"spec":{"containers":[{"name":"c","image":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]}})"},
        Case{
            "pod: retainKeys swaps a volume's source",
            R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
            R"({"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/x"}}]}})",
            R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}})"}));

json::object web() {
  return object(
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"ports":[{"port":80}]}})");
}

ApiResult<json::object> apply(std::string_view content_type, std::string_view body,
                              FieldValidation validation = FieldValidation::kStrict) {
  std::vector<std::string> warnings;
  return apply_patch(kind("Service"), web(), content_type, body, validation, warnings);
}

TEST(ApplyPatch, RefusesOtherMediaTypes) {
  EXPECT_EQ(apply("application/json", "{}").error().code, 415);
}

TEST(ApplyPatch, RefusesUnknownFieldsOfThePatchedObject) {
  auto result = apply("application/merge-patch+json", R"({"spec":{"foo":1}})");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, 422);
  EXPECT_EQ(result.error().message,
            " \"\" is invalid: patch: Invalid value: {\"spec\":{\"foo\":1}}: strict decoding "
            "error: unknown field "
            "\"spec.foo\"");
  auto lenient =
      apply("application/merge-patch+json", R"({"spec":{"foo":1}})", FieldValidation::kIgnore);
  ASSERT_TRUE(lenient);
  EXPECT_EQ(*lenient, web());
}

TEST(ApplyPatch, AnswersAFailedTestAndAMalformedPatch) {
  auto failed =
      apply("application/json-patch+json", R"([{"op":"test","path":"/spec/type","value":"x"}])");
  EXPECT_EQ(failed.error().code, 422);
  EXPECT_EQ(failed.error().reason, "Invalid");
  EXPECT_EQ(apply("application/merge-patch+json", "[1]").error().code, 400);
  EXPECT_EQ(apply("application/merge-patch+json", "{").error().code, 400);
}

TEST(ApplyPatch, RefusesToChangeTheKind) {
  EXPECT_EQ(apply("application/merge-patch+json", R"({"kind":"Pod"})").error().code, 400);
}

}  // namespace
}  // namespace fairlead::api
