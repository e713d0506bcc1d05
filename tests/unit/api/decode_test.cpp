// Bodies: strictness, wrong types, special types, kinds that do not fit, protobuf.
#include "controlplane/api/decode.hpp"

#include "controlplane/api/protobuf.hpp"
#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ApiResult<json::object> decode(std::string_view kind_name, std::string_view body,
                               FieldValidation validation = FieldValidation::kStrict,
                               std::string_view content_type = "application/json") {
  std::vector<std::string> warnings;
  return decode_body(kind(kind_name), content_type, body, validation, warnings);
}

struct Refusal {
  std::string name, kind, body, message;
};
void PrintTo(const Refusal& r, std::ostream* out) { *out << r.name; }

class RefusedBody : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedBody, IsAnsweredAsKubernetesAnswersIt) {
  auto result = decode(GetParam().kind, GetParam().body);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, 400);
  EXPECT_EQ(result.error().reason, "BadRequest");
  EXPECT_EQ(result.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Strict, RefusedBody,
    testing::Values(
        Refusal{"unknown field", "Service", R"({"spec":{"foo":1}})",
                "Service in version \"v1\" cannot be handled as a Service: strict decoding error: "
                "unknown field \"spec.foo\""},
        Refusal{"unknown field in a list", "Service",
                R"({"spec":{"ports":[{"port":1},{"prot":1}]}})",
                "Service in version \"v1\" cannot be handled as a Service: strict decoding error: "
                "unknown field \"spec.ports[1].prot\""},
        Refusal{"duplicate field", "Service", R"({"spec":{"type":"A","type":"B"}})",
                "Service in version \"v1\" cannot be handled as a Service: strict decoding error: "
                "duplicate field \"spec.type\""},
        Refusal{"two complaints", "EndpointSlice",
                R"({"a":1,"endpoints":[{"addresses":[],"addresses":[]}]})",
                "EndpointSlice in version \"v1\" cannot be handled as a EndpointSlice: strict "
                "decoding error: "
                "duplicate field \"endpoints[0].addresses\", unknown field \"a\""},
        Refusal{"text for a number", "Service", R"({"spec":{"ports":[{"port":"80"}]}})",
                "Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal "
                "string into "
                "Go struct field ServicePort.spec.ports.port of type int32"},
        Refusal{"object for a list", "Service", R"({"spec":{"ports":{}}})",
                "Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal "
                "object into "
                "Go struct field ServiceSpec.spec.ports of type []v1.ServicePort"},
        Refusal{"number for a named string", "Service", R"({"spec":{"type":5}})",
                "Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal "
                "number into "
                "Go struct field ServiceSpec.spec.type of type v1.ServiceType"},
        Refusal{"number for a label", "ConfigMap", R"({"data":{"a":1}})",
                "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot "
                "unmarshal number into "
                "Go struct field ConfigMap.data of type string"},
        Refusal{"too large a number", "Service", R"({"spec":{"ports":[{"port":3000000000}]}})",
                "Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal "
                "number "
                "3000000000 into Go struct field ServicePort.spec.ports.port of type int32"},
        Refusal{"a fraction", "Service", R"({"spec":{"ports":[{"targetPort":1.5}]}})",
                "Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal "
                "number "
                "1.5E0 into Go value of type int32"},
        Refusal{"a bad time", "Pod", R"({"metadata":{"creationTimestamp":"yesterday"}})",
                "Pod in version \"v1\" cannot be handled as a Pod: parsing time \"yesterday\" as "
                "\"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\""},
        Refusal{
            "a bad quantity", "Pod", R"({"spec":{"overhead":{"cpu":"much"}}})",
            "Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular "
            "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
        Refusal{"bad base64", "ConfigMap", R"({"binaryData":{"a":"!!!!"}})",
                "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: illegal base64 data "
                "at input byte 0"},
        Refusal{"another kind", "Service", R"({"apiVersion":"v1","kind":"Pod"})",
                "Pod in version \"v1\" cannot be handled as a Service: converting (v1.Pod) to "
                "(core.Service): "
                "unknown conversion"},
        Refusal{
            "another version", "Service", R"({"apiVersion":"apps/v1","kind":"Service"})",
            "the API version in the data (apps/v1) does not match the expected API version (v1)"}));

TEST(DecodeBody, FillsApiVersionAndKindAndDropsNullsAndZeroes) {
  auto result = decode("Service", R"({"metadata":{"name":"a","creationTimestamp":null,"labels":{}},
      "spec":{"clusterIP":"","ports":[{"port":80,"nodePort":0,"name":""}],"publishNotReadyAddresses":false,
              "allocateLoadBalancerNodePorts":false},"status":{"loadBalancer":{}}})");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(*result, object(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},
      "spec":{"ports":[{"port":80}],"allocateLoadBalancerNodePorts":false},"status":{"loadBalancer":{}}})"));
}

TEST(DecodeBody, KeepsEmptyTextsWhereGoHasPointers) {
  auto result = decode("EndpointSlice",
                       R"({"addressType":"IPv4","endpoints":null,"ports":[{"name":"","port":1}]})");
  ASSERT_TRUE(result);
  EXPECT_EQ(text(*result, {"ports"}), R"([{"name":"","port":1}])");
  EXPECT_EQ(text(*result, {"endpoints"}), "[]");
}

TEST(DecodeBody, WarnsOfUnknownFieldsWhenAskedTo) {
  std::vector<std::string> warnings;
  auto result =
      decode_body(kind("Service"), "", R"({"spec":{"foo":1,"type":"a","type":"ClusterIP"}})",
                  FieldValidation::kWarn, warnings);
  ASSERT_TRUE(result);
  EXPECT_THAT(warnings, ElementsAre("duplicate field \"spec.type\"", "unknown field \"spec.foo\""));
  EXPECT_EQ(text(*result, {"spec", "foo"}), "(none)");
  warnings.clear();
  EXPECT_TRUE(decode_body(kind("Service"), "", R"({"x":1})", FieldValidation::kIgnore, warnings));
  EXPECT_THAT(warnings, IsEmpty());
}

TEST(DecodeBody, ReadsYaml) {
  auto result =
      decode("Service", "kind: Service\nspec:\n  ports:\n  - port: 80\n    targetPort: web\n",
             FieldValidation::kStrict, "application/yaml; charset=utf-8");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text(*result, {"spec", "ports"}), R"([{"port":80,"targetPort":"web"}])");
}

TEST(DecodeBody, RefusesWhatIsNoObjectAndWhatIsTooDeep) {
  EXPECT_THAT(message_of(decode("Service", "[]")), HasSubstr("must be of type Service"));
  EXPECT_THAT(message_of(decode("Service", "{\"a\"")), HasSubstr("(7b226122)"));
  std::string deep = std::string(200, '[') + std::string(200, ']');
  EXPECT_FALSE(decode("Service", "{\"spec\":" + deep + "}"));
  auto wrong = decode("Service", "{}", FieldValidation::kStrict, "text/plain");
  EXPECT_EQ(wrong.error().code, 415);
}

TEST(DecodeBody, AcceptsAnOrdinaryPod) {
  auto result = decode("Pod", R"({"metadata":{"name":"web","labels":{"app":"web"}},"spec":{
    "containers":[{"name":"c","image":"nginx:1","command":["a"],"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"c","key":"k","optional":true}}}],
      "ports":[{"containerPort":80,"name":"http"}],"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":0.5}},
      "readinessProbe":{"httpGet":{"path":"/","port":"http"},"periodSeconds":5},"livenessProbe":{"exec":{"command":["true"]}},
      "securityContext":{"runAsNonRoot":true,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}},
      "volumeMounts":[{"name":"d","mountPath":"/d"}],"lifecycle":{"preStop":{"sleep":{"seconds":5}}}}],
    "ephemeralContainers":[{"name":"debug","image":"busybox","targetContainerName":"c"}],
    "volumes":[{"name":"d","configMap":{"name":"c","items":[{"key":"k","path":"p"}]}},{"name":"e","emptyDir":{"sizeLimit":"1Mi"}}],
    "affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":{"topologyKey":"z","labelSelector":{"matchLabels":{"a":"b"}}}}]}},
    "tolerations":[{"operator":"Exists"}],"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]}})");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text(*result, {"spec", "ephemeralContainers"}),
            R"([{"name":"debug","image":"busybox","targetContainerName":"c"}])");
}

/// `k8s\0` + runtime.Unknown around a message.
std::string enveloped(std::string_view version, std::string_view kind_name,
                      const ProtobufWriter& message) {
  ProtobufWriter type, unknown;
  type.text(1, version);
  type.text(2, kind_name);
  unknown.message(1, type);
  unknown.message(2, message);
  return std::string("k8s\0", 4) + unknown.bytes();
}

TEST(DecodeProtobuf, ReadsAServiceAsClientGoSendsIt) {
  ProtobufWriter metadata, label, selector, target, port, spec, service, ip_status;
  metadata.text(1, "web");
  label.text(1, "app");
  label.text(2, "web");
  metadata.message(11, label);
  metadata.text(8, "");  // creationTimestamp: null
  target.integer(1, 1);
  target.text(3, "http");
  port.text(1, "");
  port.text(2, "TCP");
  port.integer(3, 80);
  port.message(4, target);
  port.integer(5, 0);
  selector.text(1, "app");
  selector.text(2, "web");
  spec.message(1, port);
  spec.message(2, selector);
  spec.text(3, "");
  spec.text(5, "192.0.2.1");
  spec.integer(13, 0);
  spec.integer(20, 0);  // a pointer to false stays
  service.message(1, metadata);
  service.message(2, spec);
  auto result = decode("Service", enveloped("v1", "Service", service), FieldValidation::kStrict,
                       "application/vnd.kubernetes.protobuf");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(
      *result,
      object(
          R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","labels":{"app":"web"}},
    "spec":{"ports":[{"protocol":"TCP","port":80,"targetPort":"http"}],"selector":{"app":"web"},
            "externalIPs":["192.0.2.1"],"allocateLoadBalancerNodePorts":false}})"));
}

TEST(DecodeProtobuf, ReadsTimesAndNegativeNumbersAndBytes) {
  ProtobufWriter time, spec, lease, toleration, pod_spec, pod, entry, map;
  time.integer(1, 1767323045);
  time.integer(2, 6000);
  spec.text(1, "me");
  spec.integer(2, 40);
  spec.message(4, time);
  lease.message(2, spec);
  auto result = decode("Lease", enveloped("coordination.k8s.io/v1", "Lease", lease),
                       FieldValidation::kStrict, "application/vnd.kubernetes.protobuf");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text(*result, {"spec", "renewTime"}), "2026-01-02T03:04:05.000006Z");

  pod_spec.integer(4, static_cast<std::uint64_t>(-1));
  pod.message(2, pod_spec);
  result = decode("Pod", enveloped("v1", "Pod", pod), FieldValidation::kStrict,
                  "application/vnd.kubernetes.protobuf");
  ASSERT_TRUE(result);
  EXPECT_EQ(text(*result, {"spec", "terminationGracePeriodSeconds"}), "-1");

  entry.text(1, "k");
  entry.text(2, std::string_view("\0\xff", 2));
  map.message(3, entry);
  result = decode("ConfigMap", enveloped("v1", "ConfigMap", map), FieldValidation::kStrict,
                  "application/vnd.kubernetes.protobuf");
  ASSERT_TRUE(result);
  EXPECT_EQ(text(*result, {"binaryData", "k"}), "AP8=");
}

TEST(DecodeProtobuf, RefusesTruncatedAndForeignBodies) {
  ProtobufWriter metadata, service;
  metadata.text(1, "web");
  service.message(1, metadata);
  std::string body = enveloped("v1", "Service", service);
  for (std::size_t size = 0; size < body.size(); ++size) {
    auto result = decode("Service", body.substr(0, size), FieldValidation::kStrict,
                         "application/vnd.kubernetes.protobuf");
    // The one cut that is valid ends after the type: a Service without fields.
    EXPECT_EQ(result ? text(*result, {"metadata"}) : "(none)", "(none)");
  }
  EXPECT_THAT(message_of(decode("Pod", body, FieldValidation::kStrict,
                                "application/vnd.kubernetes.protobuf")),
              HasSubstr("Service in version \"v1\" cannot be handled as a Pod"));
}

TEST(BindToRequest, RefusesContradictions) {
  json::object service = object(R"({"metadata":{"name":"a","namespace":"b"}})");
  EXPECT_EQ(
      message_of(bind_to_request(kind("Service"), service, "c", "")),
      "the namespace of the provided object does not match the namespace sent on the request");
  EXPECT_EQ(message_of(bind_to_request(kind("Service"), service, "b", "z")),
            "the name of the object (a) does not match the name on the URL (z)");
  EXPECT_TRUE(bind_to_request(kind("Service"), service, "b", "a"));
  json::object bare;
  EXPECT_TRUE(bind_to_request(kind("Service"), bare, "b", "a"));
  EXPECT_EQ(bare, object(R"({"metadata":{"name":"a","namespace":"b"}})"));
}

TEST(DeleteOptionsBody, IsReadFromJsonAndProtobuf) {
  auto options = decode_delete_options("application/json",
                                       R"({"propagationPolicy":"Background","gracePeriodSeconds":0,
      "preconditions":{"uid":"u"},"dryRun":["All"]})");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->propagation_policy, "Background");
  EXPECT_EQ(options->grace_period_seconds, 0);
  EXPECT_EQ(options->uid, "u");
  EXPECT_TRUE(options->dry_run);

  ProtobufWriter message;
  message.integer(1, 30);
  message.text(4, "Foreground");
  auto wire = decode_delete_options("application/vnd.kubernetes.protobuf",
                                    enveloped("v1", "DeleteOptions", message));
  ASSERT_TRUE(wire) << wire.error().message;
  EXPECT_EQ(wire->grace_period_seconds, 30);
  EXPECT_EQ(wire->propagation_policy, "Foreground");
  EXPECT_TRUE(decode_delete_options("", ""));
  EXPECT_TRUE(decode_delete_options("application/json",
                                    R"({"kind":"DeleteOptions","apiVersion":"meta.k8s.io/v1"})"));
}

TEST(ReviewBody, IsReadFromProtobuf) {
  ProtobufWriter attributes, spec, review;
  attributes.text(2, "get");
  attributes.text(5, "pods");
  spec.message(1, attributes);
  review.message(2, spec);
  auto result =
      decode_review("SelfSubjectAccessReview", "application/vnd.kubernetes.protobuf",
                    enveloped("authorization.k8s.io/v1", "SelfSubjectAccessReview", review));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text(*result, {"spec", "resourceAttributes", "verb"}), "get");
}

TEST(FieldValidationParameter, TakesTheThreeWordsAndNothingElse) {
  EXPECT_EQ(*parse_field_validation(""), FieldValidation::kWarn);
  EXPECT_EQ(*parse_field_validation("Strict"), FieldValidation::kStrict);
  EXPECT_EQ(parse_field_validation("foo").error().message,
            "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: "
            "\"foo\": supported "
            "values: \"Ignore\", \"Strict\", \"Warn\"");
}

}  // namespace
}  // namespace fairlead::api
