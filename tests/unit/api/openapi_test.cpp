// OpenAPI: whole, without dangling references, and with what kubectl looks for.
#include "controlplane/api/openapi.hpp"

#include "controlplane/api/protobuf.hpp"
#include "controlplane/api/schema.hpp"
#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

void collect_references(const json::value& value, std::set<std::string>& found) {
  if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) collect_references(element, found);
  }
  if (const json::object* object = value.if_object()) {
    for (const auto& [key, element] : *object) {
      if (key == "$ref") found.emplace(text_of(element));
      collect_references(element, found);
    }
  }
}

TEST(OpenapiV3, HasADocumentForEachGroupVersion) {
  json::object index = object(openapi_v3_index());
  EXPECT_EQ(object_at(index, {"paths"}).size(), 5U);
  for (const auto& [key, entry] : object_at(index, {"paths"})) {
    auto document = openapi_v3(key);
    ASSERT_TRUE(document) << key;
    EXPECT_THAT(text(object_of(entry), {"serverRelativeURL"}),
                testing::StartsWith("/openapi/v3/" + std::string(key) + "?hash="));
    EXPECT_EQ(*document, *openapi_v3(key));
    json::object root = object(*document);
    std::set<std::string> references;
    collect_references(root, references);
    for (const std::string& reference : references) {
      std::string name = reference.substr(std::string("#/components/schemas/").size());
      EXPECT_TRUE(object_at(root, {"components", "schemas"}).contains(name))
          << key << " " << reference;
    }
  }
  EXPECT_FALSE(openapi_v3("apis/apps/v1"));
}

TEST(OpenapiV3, SaysThatPatchTakesFieldValidation) {
  json::object root = object(*openapi_v3("api/v1"));
  const json::object& patch =
      object_at(root, {"paths", "/api/v1/namespaces/{namespace}/services/{name}", "patch"});
  EXPECT_EQ(text(patch, {"x-kubernetes-group-version-kind"}),
            R"({"group":"","kind":"Service","version":"v1"})");
  EXPECT_THAT(text(patch, {"parameters"}),
              testing::HasSubstr(R"("name":"fieldValidation","in":"query")"));
}

TEST(OpenapiV3, CarriesMergeKeys) {
  json::object root = object(*openapi_v3("api/v1"));
  const json::object& ports = object_at(
      root, {"components", "schemas", "io.k8s.api.core.v1.ServiceSpec", "properties", "ports"});
  EXPECT_EQ(text(ports, {"x-kubernetes-patch-merge-key"}), "port");
  EXPECT_EQ(text(ports, {"x-kubernetes-patch-strategy"}), "merge");
  EXPECT_EQ(text(ports, {"x-kubernetes-list-map-keys"}), R"(["port","protocol"])");
  const json::object& service =
      object_at(root, {"components", "schemas", "io.k8s.api.core.v1.Service"});
  EXPECT_EQ(text(service, {"x-kubernetes-group-version-kind"}),
            R"([{"group":"","kind":"Service","version":"v1"}])");
}

/// The bytes of field `number` of a message, "" if it has none.
std::string_view field_of(std::string_view message, std::uint32_t number) {
  ProtobufReader reader(message);
  while (true) {
    auto item = reader.next();
    if (!item || !*item) return {};
    if ((*item)->number == number) return (*item)->bytes;
  }
}

TEST(OpenapiV2, IsAGnosticDocumentWithEveryKind) {
  std::string document = openapi_v2_protobuf();
  EXPECT_EQ(field_of(document, 1), "2.0");
  std::map<std::string, std::string_view, std::less<>> definitions;
  ProtobufReader reader(field_of(document, 9));
  while (true) {
    auto item = reader.next();
    ASSERT_TRUE(item) << item.error().doing;
    if (!*item) break;
    definitions[std::string(field_of((*item)->bytes, 1))] = field_of((*item)->bytes, 2);
  }
  for (const ResourceType& type : resources())
    EXPECT_TRUE(definitions.contains(type.schema_name)) << type.kind;
  std::string_view extension = field_of(definitions["io.k8s.api.core.v1.Service"], 31);
  EXPECT_EQ(field_of(extension, 1), "x-kubernetes-group-version-kind");
  EXPECT_EQ(field_of(field_of(extension, 2), 2),
            "[{\"group\":\"\",\"kind\":\"Service\",\"version\":\"v1\"}]\n");
}

TEST(Schema, HasUniqueNumbersAndNamesInEachMessage) {
  for (const Message& message : messages()) {
    std::set<std::uint16_t> numbers;
    std::set<std::string_view> names;
    for (const Field& field : fields_of(message)) {
      EXPECT_TRUE(numbers.insert(field.number).second) << message.name << " " << field.number;
      EXPECT_TRUE(names.insert(field.json_name).second) << message.name << " " << field.json_name;
      EXPECT_NE(field.number, 0U);
    }
  }
}

TEST(Resources, AreFoundByNameAndByKindAndHaveASchema) {
  for (const ResourceType& type : resources()) {
    EXPECT_EQ(find_resource(type.group, type.version, type.plural), &type);
    EXPECT_EQ(find_kind(type.group, type.version, type.kind), &type);
    EXPECT_NE(find_message(type.schema_name), nullptr) << type.schema_name;
  }
  EXPECT_EQ(find_resource("apps", "v1", "deployments"), nullptr);
}

}  // namespace
}  // namespace fairlead::api
