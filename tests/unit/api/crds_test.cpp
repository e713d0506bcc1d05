// The chart's CustomResourceDefinitions and the built-in control plane describe the same kinds:
// fields, types, what is required, defaults.
#include <fstream>
#include <set>
#include <sstream>

#include "controlplane/api/schema.hpp"
#include "objects/yaml.hpp"
#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

json::object definition(const std::string& plural) {
  std::ostringstream text;
  text << std::ifstream(CRD_DIR "/" + plural + ".yaml").rdbuf();
  auto documents = parse_documents(text.str());
  EXPECT_TRUE(documents) << plural;
  return documents->at(0).as_object();
}

json::object schema_of(const json::object& definition) {
  return object_of(array_at(definition, {"spec", "versions"})[0])
      .at("schema")
      .at("openAPIV3Schema")
      .as_object();
}

std::string_view type_name(const Field& field) {
  switch (field.type) {
    case FieldType::kBool:
      return "boolean";
    case FieldType::kInt32:
    case FieldType::kInt64:
      return "integer";
    case FieldType::kMessage:
      return "object";
    default:
      return "string";
  }
}

void compare(const Message& message, const json::object& schema, const std::string& path) {
  const json::object& properties = object_at(schema, {"properties"});
  std::set<std::string_view> required;
  for (const json::value& name : array_at(schema, {"required"})) required.insert(text_of(name));
  std::size_t seen = 0;
  for (const Field& field : fields_of(message)) {
    const std::string place = path + "." + std::string(field.json_name);
    ASSERT_TRUE(properties.contains(field.json_name)) << place;
    ++seen;
    if (field.json_name == "metadata") continue;
    EXPECT_EQ(required.contains(field.json_name), field.has(kRequired)) << place;
    const json::object* property = &properties.at(field.json_name).as_object();
    if (field.shape == Shape::kList) {
      EXPECT_EQ(text(*property, {"type"}), "array") << place;
      property = &property->at("items").as_object();
    }
    if (field.shape == Shape::kMap) {
      EXPECT_EQ(text(*property, {"type"}), "object") << place;
      property = &property->at("additionalProperties").as_object();
    }
    EXPECT_EQ(text(*property, {"type"}), type_name(field)) << place;
    if (field.type == FieldType::kMessage) compare(message_of(field), *property, place);
  }
  const std::size_t of_every_kind = message.has(kKind) ? 2 : 0;  // apiVersion, kind
  EXPECT_EQ(properties.size(), seen + of_every_kind) << path << " has a property too many";
}

/// Each default of the schema is in the object that the control plane makes.
void compare_defaults(const json::object& schema, const json::object& made,
                      const std::string& path) {
  for (const auto& [name, property] : object_at(schema, {"properties"})) {
    const std::string place = path + "." + std::string(name);
    if (const json::value* fallback = property.as_object().if_contains("default")) {
      ASSERT_TRUE(made.contains(name)) << place;
      EXPECT_EQ(json::serialize(made.at(name)), json::serialize(*fallback)) << place;
    }
    compare_defaults(property.as_object(), object_at(made, {name}), place);
  }
}

struct Kind {
  std::string kind, plural, spec;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.kind; }
class Definition : public testing::TestWithParam<Kind> {};

TEST_P(Definition, SaysWhatTheControlPlaneServes) {
  const json::object crd = definition(GetParam().plural);
  const ResourceType& type = kind(GetParam().kind);
  EXPECT_EQ(text(crd, {"metadata", "name"}), GetParam().plural + ".fairlead.io");
  EXPECT_EQ(text(crd, {"spec", "names", "kind"}), type.kind);
  EXPECT_EQ(text(crd, {"spec", "names", "plural"}), type.plural);
  EXPECT_EQ(text(crd, {"spec", "scope"}), "Cluster");
  const json::object& version = object_of(array_at(crd, {"spec", "versions"})[0]);
  EXPECT_EQ(text(version, {"name"}), type.version);
  EXPECT_EQ(version.contains("subresources"), type.has_status);
  compare(*find_message(type.schema_name), schema_of(crd), GetParam().kind);

  Cluster cluster;
  auto made = cluster.create(type, R"({"metadata":{"name":"x"},"spec":)" + GetParam().spec + "}");
  ASSERT_TRUE(made) << made.error().message;
  compare_defaults(schema_of(crd), made->object, GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Definition,
    testing::Values(
        Kind{"AddressPool", "addresspools", R"({"addresses":["192.0.2.0/24"]})"},
        Kind{
            "BGPPeer", "bgppeers",
            R"({"address":"192.0.2.1","asn":1,"bfd":{},"passwordSecretRef":{"namespace":"a","name":"b"}})"},
        Kind{"BGPAdvertisement", "bgpadvertisements", R"({"routes":["PodCIDR"]})"}));

}  // namespace
}  // namespace fairlead::api
