// AddressPools, BGPPeers and BGPAdvertisements: defaults, refusals in Kubernetes' words, and that
// no address belongs to two pools.
#include "support.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::HasSubstr;

std::string with_spec(std::string_view spec) {
  return R"({"metadata":{"name":"x"},"spec":{)" + std::string(spec) + "}}";
}
std::string pool(std::string_view name, std::string_view addresses) {
  return R"({"metadata":{"name":")" + std::string(name) + R"("},"spec":{"addresses":)" +
         std::string(addresses) + "}}";
}

TEST(FairleadDefaults, AreWrittenIntoTheObjects) {
  Cluster cluster;
  auto made = cluster.create(
      kind("AddressPool"),
      R"({"metadata":{"name":"x"},"spec":{"addresses":["192.0.2.0/24"]},"status":{"assignedIPv4":5}})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(
      text(made->object, {"spec"}),
      R"({"addresses":["192.0.2.0/24"],"autoAssign":true,"avoidBuggyIPs":false,"announce":"BGP"})");
  EXPECT_EQ(text(made->object, {"status"}), "(none)");

  made = cluster.create(kind("BGPPeer"), with_spec(R"("address":"192.0.2.1","asn":65000,"bfd":{},
      "passwordSecretRef":{"namespace":"a","name":"b"})"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(
      text(made->object, {"spec"}),
      R"({"address":"192.0.2.1","asn":65000,"bfd":{"enabled":true,"intervalMilliseconds":300,)"
      R"("multiplier":3},"passwordSecretRef":{"namespace":"a","name":"b","key":"password"},)"
      R"("port":179,"holdTimeSeconds":90,"connectRetrySeconds":10,)"
      R"("gracefulRestartSeconds":120,"maxPrefixes":10000,"families":["IPv4","IPv6"]})");

  made = cluster.create(kind("BGPAdvertisement"), with_spec(R"("routes":["PodCIDR"])"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(text(made->object, {"spec"}),
            R"({"routes":["PodCIDR"],"aggregationLength":32,"aggregationLengthV6":128})");
}

TEST(FairleadDefaults, LeaveWhatIsSaid) {
  Cluster cluster;
  auto made = cluster.create(kind("BGPPeer"),
                             with_spec(R"("address":"192.0.2.1","asn":1,"holdTimeSeconds":0,
      "gracefulRestartSeconds":0,"bfd":{"enabled":false},"families":["IPv6"])"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(text(made->object, {"spec", "holdTimeSeconds"}), "0");
  EXPECT_EQ(text(made->object, {"spec", "gracefulRestartSeconds"}), "0");
  EXPECT_EQ(text(made->object, {"spec", "bfd", "enabled"}), "false");
  EXPECT_EQ(text(made->object, {"spec", "families"}), R"(["IPv6"])");
}

struct Refused {
  std::string kind, spec, message;
};
void PrintTo(const Refused& r, std::ostream* out) { *out << r.kind << ' ' << r.spec; }
class RefusedSpec : public testing::TestWithParam<Refused> {};

TEST_P(RefusedSpec, NamesTheField) {
  Cluster cluster({"10.96.0.0/16"}, {"10.244.0.0/16"});
  auto made = cluster.create(kind(GetParam().kind), with_spec(GetParam().spec));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, 422);
  EXPECT_THAT(made.error().message,
              AllOf(HasSubstr(GetParam().kind + R"(.fairlead.io "x" is invalid: )"),
                    HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Pools, RefusedSpec,
    testing::Values(
        Refused{"AddressPool", "", "spec.addresses: Required value"},
        Refused{"AddressPool", R"("addresses":["foo"])",
                R"(spec.addresses[0]: Invalid value: "foo": must be a CIDR or a range, (e.g. )"},
        Refused{"AddressPool", R"("addresses":["192.0.2.9-192.0.2.1"])",
                R"(spec.addresses[0]: Invalid value: "192.0.2.9-192.0.2.1": must be a CIDR)"},
        Refused{"AddressPool", R"("addresses":["192.0.2.0/24","192.0.2.9-192.0.2.9"])",
                R"(spec.addresses[1]: Invalid value: "192.0.2.9-192.0.2.9": overlaps with )"
                R"(spec.addresses[0])"},
        Refused{"AddressPool", R"("addresses":["127.0.0.0/24"])",
                "may not have addresses of 127.0.0.0/8 (loopback)"},
        Refused{"AddressPool", R"("addresses":["10.244.0.0/15"])",
                "overlaps with the range of pods 10.244.0.0/16"},
        Refused{"AddressPool", R"("addresses":["10.96.3.0/24"])",
                "overlaps with the range of ClusterIPs 10.96.0.0/16"},
        Refused{
            "AddressPool", R"("addresses":["192.0.2.0/24"],"announce":"OSPF")",
            R"(spec.announce: Unsupported value: "OSPF": supported values: "BGP", "Layer2", "None")"},
        Refused{"AddressPool", R"("addresses":["192.0.2.0/24"],"namespaces":["A"])",
                R"(spec.namespaces[0]: Invalid value: "A": a lowercase RFC 1123)"},
        Refused{
            "AddressPool",
            R"("addresses":["192.0.2.0/24"],"serviceSelector":{"matchExpressions":[
                   {"key":"a","operator":"Near"}]})",
            R"(spec.serviceSelector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator)"},
        Refused{
            "AddressPool",
            R"("addresses":["192.0.2.0/24"],"serviceSelector":{"matchExpressions":[
                   {"key":"a","operator":"In"}]})",
            "spec.serviceSelector.matchExpressions[0].values: Required value: must be specified "
            "when `operator` is 'In' or 'NotIn'"},
        Refused{"AddressPool",
                R"("addresses":["192.0.2.0/24"],"serviceSelector":{"matchLabels":{"a b":""}})",
                R"(spec.serviceSelector.matchLabels: Invalid value: "a b": name part must)"}));

std::string peer(std::string_view more) {
  return R"("address":"192.0.2.1","asn":1,)" + std::string(more);
}

INSTANTIATE_TEST_SUITE_P(
    Peers, RefusedSpec,
    testing::Values(
        Refused{"BGPPeer", R"("asn":1)", "spec.address: Required value"},
        Refused{"BGPPeer", R"("address":"rack1","asn":1)",
                R"(spec.address: Invalid value: "rack1": must be a valid IP address)"},
        Refused{"BGPPeer", R"("address":"127.0.0.1","asn":1)",
                R"(spec.address: Invalid value: "127.0.0.1": may not be in the loopback range)"},
        Refused{"BGPPeer", R"("address":"192.0.2.1")", "spec.asn: Required value"},
        Refused{"BGPPeer", R"("address":"192.0.2.1","asn":0)",
                "spec.asn: Invalid value: 0: must be between 1 and 4294967295, inclusive"},
        Refused{"BGPPeer", peer(R"("port":0)"), "spec.port: Invalid value: 0: must be between 1"},
        Refused{"BGPPeer", peer(R"("holdTimeSeconds":2)"),
                "spec.holdTimeSeconds: Invalid value: 2: must be 0, or between 3 and 65535"},
        Refused{"BGPPeer", peer(R"("holdTimeSeconds":9,"keepaliveSeconds":9)"),
                "spec.keepaliveSeconds: Invalid value: 9: must be less than holdTimeSeconds"},
        Refused{"BGPPeer", peer(R"("ttlSecurity":true,"ebgpMultihop":2)"),
                "spec.ttlSecurity: Forbidden: may not be set together with ebgpMultihop"},
        Refused{"BGPPeer", peer(R"("families":["IPv4","IPv4"])"),
                R"(spec.families[1]: Duplicate value: "IPv4")"},
        Refused{"BGPPeer", peer(R"("families":["EVPN"])"),
                R"(spec.families[0]: Unsupported value: "EVPN": supported values: "IPv4", "IPv6")"},
        Refused{"BGPPeer", peer(R"("passwordSecretRef":{"name":"a"})"),
                "spec.passwordSecretRef.namespace: Required value"},
        Refused{"BGPPeer", peer(R"("role":"Friend")"), R"(spec.role: Unsupported value: "Friend")"},
        Refused{"BGPPeer", peer(R"("importPrefixes":[{"prefix":"10.0.0.0/8","maxLength":7}])"),
                "spec.importPrefixes[0].maxLength: Invalid value: 7: must be between 8 and 32"},
        Refused{"BGPPeer", peer(R"("importPrefixes":[{"prefix":"ten"}])"),
                R"(spec.importPrefixes[0].prefix: Invalid value: "ten": must be a valid CIDR)"},
        Refused{"BGPPeer", peer(R"("bfd":{"multiplier":1})"),
                "spec.bfd.multiplier: Invalid value: 1: must be between 2 and 255"},
        Refused{"BGPAdvertisement", "", "spec.routes: Required value"},
        Refused{"BGPAdvertisement", R"("routes":["Static"])",
                R"(spec.routes[0]: Unsupported value: "Static")"},
        Refused{"BGPAdvertisement", R"("routes":["PodCIDR"],"communities":["65536:1"])",
                R"(spec.communities[0]: Invalid value: "65536:1": must be ASN:NUMBER)"},
        Refused{"BGPAdvertisement", R"("routes":["PodCIDR"],"asPathPrepend":11)",
                "spec.asPathPrepend: Invalid value: 11: must be between 0 and 10"},
        Refused{"BGPAdvertisement", R"("routes":["PodCIDR"],"med":-1)",
                "spec.med: Invalid value: -1: must be between 0 and 4294967295"}));

TEST(AddressPools, DoNotOverlapEachOther) {
  Cluster cluster;
  const ResourceType& type = kind("AddressPool");
  const json::object a = cluster.stored(type, pool("a", R"(["192.0.2.0/25"])"));
  const auto refused =
      cluster.create(type, pool("b", R"(["198.51.100.0/24","192.0.2.127-192.0.2.130"])"));
  EXPECT_THAT(message_of(refused),
              HasSubstr(R"(spec.addresses[1]: Invalid value: "192.0.2.127-192.0.2.130": overlaps )"
                        R"(with 192.0.2.0-192.0.2.127 of AddressPool "a")"));
}

TEST(AddressPools, GiveBackTheirRangesWhenTheyShrinkOrGo) {
  Cluster cluster;
  const ResourceType& type = kind("AddressPool");
  json::object a = cluster.stored(type, pool("a", R"(["192.0.2.0/24"])"));
  EXPECT_FALSE(cluster.create(type, pool("b", R"(["192.0.2.128/25"])")));
  json::object smaller = a;
  smaller["spec"].as_object()["addresses"] = json::array{"192.0.2.0/25"};
  {
    auto lost = cluster.update(type, a, smaller);
    ASSERT_TRUE(lost) << lost.error().message;
  }
  EXPECT_FALSE(cluster.create(type, pool("b", R"(["192.0.2.128/25"])"))) << "it was not written";
  auto written = cluster.update(type, a, smaller);
  ASSERT_TRUE(written);
  written->reservation.commit();
  json::object b = cluster.stored(type, pool("b", R"(["192.0.2.128/25"])"));
  auto grown = cluster.update(type, smaller, a);
  EXPECT_FALSE(grown) << "b has it now";
  release(type, b, cluster.allocators);
  EXPECT_TRUE(cluster.update(type, smaller, a));
}

TEST(AddressPools, AreKnownAgainAfterARestart) {
  Cluster cluster;
  const ResourceType& type = kind("AddressPool");
  EXPECT_TRUE(adopt(type, object(pool("a", R"(["192.0.2.0/24"])")), cluster.allocators).empty());
  EXPECT_FALSE(cluster.create(type, pool("b", R"(["192.0.2.128/25"])")));
}

}  // namespace
}  // namespace fairlead::api
