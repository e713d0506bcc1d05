// Table rows as kubectl's users know them.
#include "controlplane/api/table.hpp"

#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

struct RowCase {
  std::string name, kind, object, cells;
};
void PrintTo(const RowCase& c, std::ostream* out) { *out << c.name; }

class TableRow : public testing::TestWithParam<RowCase> {};

TEST_P(TableRow, ShowsWhatKubectlPrints) {
  const ResourceType& type = kind(GetParam().kind);
  json::object row =
      table_row(type, object(GetParam().object), *parse_time("2026-01-02T03:04:05Z"));
  EXPECT_EQ(json::serialize(row["cells"]), GetParam().cells);
  EXPECT_EQ(row["cells"].as_array().size(), table_columns(type).size());
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, TableRow,
    testing::Values(
        RowCase{
            "a ClusterIP", "Service",
            R"({"metadata":{"name":"web","creationTimestamp":"2026-01-02T03:03:05Z"},"spec":{"type":"ClusterIP","clusterIP":"10.96.0.1",
                   "ports":[{"port":80,"protocol":"TCP"},{"port":53,"protocol":"UDP"}],"selector":{"b":"2","a":"1"}}})",
            R"(["web","ClusterIP","10.96.0.1","<none>","80/TCP,53/UDP","60s","a=1,b=2"])"},
        RowCase{
            "a balancer without address", "Service",
            R"({"metadata":{"name":"web"},"spec":{"type":"LoadBalancer","clusterIP":"10.96.0.1","ports":[{"port":80,"nodePort":30080,"protocol":"TCP"}]}})",
            R"(["web","LoadBalancer","10.96.0.1","<pending>","80:30080/TCP","<unknown>","<none>"])"},
        RowCase{
            "a balancer", "Service",
            R"({"metadata":{"name":"web"},"spec":{"type":"LoadBalancer","clusterIP":"10.96.0.1","externalIPs":["192.0.2.9"]},
                   "status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}})",
            R"(["web","LoadBalancer","10.96.0.1","192.0.2.1,192.0.2.9","<none>","<unknown>","<none>"])"},
        RowCase{
            "an external name", "Service",
            R"({"metadata":{"name":"web"},"spec":{"type":"ExternalName","externalName":"a.b"}})",
            R"(["web","ExternalName","<none>","a.b","<none>","<unknown>","<none>"])"},
        RowCase{
            "a node", "Node",
            R"({"metadata":{"name":"n1","labels":{"node-role.kubernetes.io/worker":""}},"spec":{"unschedulable":true},"status":{
                   "conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"198.18.0.1"}],
                   "nodeInfo":{"kubeletVersion":"v1","osImage":"Debian"}}})",
            R"(["n1","Ready,SchedulingDisabled","worker","<unknown>","v1","198.18.0.1","<none>","Debian","<unknown>","<unknown>"])"},
        RowCase{
            "a pod", "Pod",
            R"({"metadata":{"name":"p"},"spec":{"nodeName":"n1","containers":[{"name":"a"},{"name":"b"}]},"status":{"phase":"Running","podIP":"10.0.0.1",
                   "containerStatuses":[{"ready":true,"restartCount":2},{"ready":false,"restartCount":1,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}})",
            R"(["p","1/2","CrashLoopBackOff","3","<unknown>","10.0.0.1","n1","<none>","<none>"])"},
        RowCase{
            "a pod on its way out", "Pod",
            R"({"metadata":{"name":"p","deletionTimestamp":"2026-01-02T03:04:05Z"},"spec":{"containers":[{"name":"a"}]},
                   "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})",
            R"(["p","1/1","Terminating","0","<unknown>","<none>","<none>","<none>","<none>"])"},
        RowCase{
            "a slice", "EndpointSlice",
            R"({"metadata":{"name":"s"},"addressType":"IPv4","ports":[{"port":80}],"endpoints":[{"addresses":["1.1.1.1"]},{"addresses":["1.1.1.2"]},
                   {"addresses":["1.1.1.3"]},{"addresses":["1.1.1.4"]},{"addresses":["1.1.1.5"]}]})",
            R"(["s","IPv4","80","1.1.1.1,1.1.1.2,1.1.1.3 + 2 more...","<unknown>"])"},
        RowCase{"an empty slice", "EndpointSlice",
                R"({"metadata":{"name":"s"},"addressType":"IPv4"})",
                R"(["s","IPv4","<unset>","<unset>","<unknown>"])"},
        RowCase{
            "endpoints", "Endpoints",
            R"({"metadata":{"name":"e"},"subsets":[{"addresses":[{"ip":"1.1.1.1"},{"ip":"fd00::1"}],"ports":[{"port":80}]}]})",
            R"(["e","1.1.1.1:80,[fd00::1]:80","<unknown>"])"},
        RowCase{"a namespace", "Namespace",
                R"({"metadata":{"name":"n"},"status":{"phase":"Active"}})",
                R"(["n","Active","<unknown>"])"},
        RowCase{"a config map", "ConfigMap",
                R"({"metadata":{"name":"c"},"data":{"a":"1"},"binaryData":{"b":"MQ=="}})",
                R"(["c",2,"<unknown>"])"},
        RowCase{"a secret", "Secret",
                R"({"metadata":{"name":"s"},"type":"Opaque","data":{"a":"MQ==","b":""}})",
                R"(["s","Opaque",2,"<unknown>"])"},
        RowCase{"a lease", "Lease", R"({"metadata":{"name":"l"},"spec":{"holderIdentity":"me"}})",
                R"(["l","me","<unknown>"])"},
        RowCase{
            "a pool", "AddressPool",
            R"({"metadata":{"name":"a"},"spec":{"addresses":["192.0.2.0/30","fd00::/126"],"autoAssign":true,"announce":"BGP"},
                   "status":{"assignedIPv4":1,"assignedIPv6":2,"availableIPv4":3,"availableIPv6":2}})",
            R"(["a","192.0.2.0/30,fd00::/126",true,"BGP",3,5,"<unknown>"])"},
        RowCase{
            "a peer", "BGPPeer",
            R"({"metadata":{"name":"p"},"spec":{"address":"192.0.2.1","asn":4294967295,"port":179,"holdTimeSeconds":90,"families":["IPv4"]}})",
            R"(["p","192.0.2.1",4294967295,"<unknown>",179,90,"IPv4"])"},
        RowCase{"an advertisement", "BGPAdvertisement",
                R"({"metadata":{"name":"a"},"spec":{"routes":["PodCIDR"],"peers":["p","q"]}})",
                R"(["a","PodCIDR","<all>","p,q","<unknown>","<none>"])"},
        RowCase{
            "an event", "Event",
            R"({"metadata":{"name":"e"},"type":"Normal","reason":"Made","message":"hello\n","involvedObject":{"kind":"Pod","name":"p"},
                   "firstTimestamp":"2026-01-02T03:00:05Z","lastTimestamp":"2026-01-02T03:04:00Z","count":3,"source":{"component":"lab","host":"n1"}})",
            R"(["5s","Normal","Made","pod/p","","lab, n1","hello","4m",3,"e"])"}));

struct AgeCase {
  std::int64_t seconds;
  std::string text;
};
void PrintTo(const AgeCase& c, std::ostream* out) { *out << c.text; }

class Age : public testing::TestWithParam<AgeCase> {};

TEST_P(Age, IsShort) {
  Time from = *parse_time("2020-01-01T00:00:00Z");
  EXPECT_EQ(human_duration(from, from + std::chrono::seconds(GetParam().seconds)), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(Cases, Age,
                         testing::Values(AgeCase{0, "0s"}, AgeCase{119, "119s"}, AgeCase{120, "2m"},
                                         AgeCase{200, "3m20s"}, AgeCase{600, "10m"},
                                         AgeCase{10799, "179m"}, AgeCase{10800, "3h"},
                                         AgeCase{12000, "3h20m"}, AgeCase{8 * 3600, "8h"},
                                         AgeCase{47 * 3600, "47h"}, AgeCase{50 * 3600, "2d2h"},
                                         AgeCase{10 * 86400, "10d"}, AgeCase{800 * 86400, "2y70d"},
                                         AgeCase{-1, "0s"}, AgeCase{-5, "<invalid>"}));

TEST(TableRowObject, IsMetadataOrAllOrNothing) {
  json::object service = object(R"({"kind":"Service","metadata":{"name":"web"},"spec":{}})");
  Time now{};
  EXPECT_EQ(
      text(table_row(kind("Service"), service, now), {"object"}),
      R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"web"}})");
  EXPECT_EQ(text(table_row(kind("Service"), service, now, IncludeObject::kNone), {"object"}),
            "(none)");
  EXPECT_EQ(object_at(table_row(kind("Service"), service, now, IncludeObject::kObject), {"object"}),
            service);
}

}  // namespace
}  // namespace fairlead::api
