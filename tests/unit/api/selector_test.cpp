// Label and field selectors.
#include "controlplane/api/selector.hpp"

#include "support.hpp"

namespace fairlead::api {
namespace {

struct LabelCase {
  std::string selector;
  bool matches;
};
void PrintTo(const LabelCase& c, std::ostream* out) { *out << c.selector; }

class LabelSelectorOfWeb : public testing::TestWithParam<LabelCase> {};

TEST_P(LabelSelectorOfWeb, Matches) {
  auto selector = LabelSelector::parse(GetParam().selector);
  ASSERT_TRUE(selector) << selector.error().message;
  EXPECT_EQ(
      selector->matches(object(R"({"metadata":{"labels":{"app":"web","tier":"1","empty":""}}})")),
      GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LabelSelectorOfWeb,
    testing::Values(LabelCase{"", true}, LabelCase{"app=web", true}, LabelCase{"app==web", true},
                    LabelCase{"app=db", false}, LabelCase{"app!=db", true},
                    LabelCase{"none!=x", true}, LabelCase{"app in (db, web)", true},
                    LabelCase{"app notin (db,web)", false}, LabelCase{"none notin (a)", true},
                    LabelCase{"app", true}, LabelCase{"!app", false}, LabelCase{"!none", true},
                    LabelCase{"tier>0", true}, LabelCase{"tier<1", false},
                    LabelCase{"app=web,tier=1", true}, LabelCase{"app=web,tier=2", false},
                    LabelCase{"empty=", true}, LabelCase{"app=", false},
                    LabelCase{"!service.kubernetes.io/headless", true}));

TEST(LabelSelectorText, IsRefusedWithAReason) {
  for (std::string_view bad :
       {"a b", "a in b", "a in (b", "=x", "a=b c", "tier>x", "a in (b) c", "!"}) {
    auto selector = LabelSelector::parse(bad);
    ASSERT_FALSE(selector) << bad;
    EXPECT_EQ(selector.error().code, 400);
    EXPECT_THAT(selector.error().message, testing::StartsWith("unable to parse requirement: "))
        << bad;
  }
  EXPECT_EQ(LabelSelector::parse("a b").error().message,
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
}

TEST(FieldSelectorOf, PodsKnowsNodeAndPhase) {
  auto selector = FieldSelector::parse(
      kind("Pod"), "spec.nodeName=n1,status.phase!=Succeeded,status.phase!=Failed");
  ASSERT_TRUE(selector);
  EXPECT_TRUE(
      selector->matches(object(R"({"spec":{"nodeName":"n1"},"status":{"phase":"Running"}})")));
  EXPECT_FALSE(
      selector->matches(object(R"({"spec":{"nodeName":"n1"},"status":{"phase":"Failed"}})")));
  EXPECT_FALSE(selector->matches(object(R"({"spec":{"nodeName":"n2"}})")));
}

TEST(FieldSelectorOf, AnyKindKnowsNameAndNamespace) {
  auto selector = FieldSelector::parse(kind("Lease"), "metadata.name=a,metadata.namespace==b");
  ASSERT_TRUE(selector);
  EXPECT_EQ(selector->name(), "a");
  EXPECT_TRUE(selector->matches(object(R"({"metadata":{"name":"a","namespace":"b"}})")));
}

TEST(FieldSelectorOf, EventsKnowsTheObjectAndReadsSourceFromEitherField) {
  auto selector = FieldSelector::parse(kind("Event"), "involvedObject.name=web,source=lab");
  ASSERT_TRUE(selector);
  EXPECT_TRUE(
      selector->matches(object(R"({"involvedObject":{"name":"web"},"reportingComponent":"lab"})")));
  EXPECT_TRUE(selector->matches(
      object(R"({"involvedObject":{"name":"web"},"source":{"component":"lab"}})")));
}

TEST(FieldSelectorOf, NodesReadsAMissingFlagAsFalse) {
  auto selector = FieldSelector::parse(kind("Node"), "spec.unschedulable=false");
  ASSERT_TRUE(selector);
  EXPECT_TRUE(selector->matches(object(R"({"spec":{}})")));
  EXPECT_FALSE(selector->matches(object(R"({"spec":{"unschedulable":true}})")));
}

TEST(FieldSelectorOf, UnknownFieldsAreRefused) {
  EXPECT_EQ(
      FieldSelector::parse(kind("Lease"), "spec.foo=1").error().message,
      "\"spec.foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
  EXPECT_EQ(FieldSelector::parse(kind("Pod"), "spec.foo=1").error().message,
            "field label not supported: spec.foo");
  EXPECT_FALSE(FieldSelector::parse(kind("Pod"), "metadata.name"));
  EXPECT_FALSE(FieldSelector::parse(kind("Pod"), "metadata.name=a\\b"));
  EXPECT_EQ(FieldSelector::parse(kind("Pod"), "metadata.name=a\\,b")->name(), "a,b");
}

}  // namespace
}  // namespace fairlead::api
