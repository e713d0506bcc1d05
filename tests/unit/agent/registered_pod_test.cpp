// Containers' names and labels -> what the API takes.
#include "agent/registered_pod.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

podnet::Attachment container(const std::string& name) {
  podnet::Attachment attachment;
  attachment.key = {"fairlead", "c0ffee", "eth0"};
  attachment.pod.name = name;
  attachment.host_link = "fl-0123456789ab";
  attachment.ips = {*parse_ip("10.244.1.5"), *parse_ip("fd00::5")};
  return attachment;
}
std::string name_of(const std::string& name) { return registered_name(container(name)).name; }

boost::json::value registered(const podnet::Attachment& attachment) {
  boost::json::value pod = make_registered_pod(attachment, {}, "node1");
  const boost::json::value status = make_registered_status(attachment, Time());
  pod.as_object()["status"] = status.at("status");
  return pod;
}

TEST(RegisteredPod, HasTheContainersNameWhereKubernetesTakesIt) {
  EXPECT_EQ(name_of("web"), "web");
  EXPECT_EQ(name_of("web.1-a"), "web.1-a");
  EXPECT_EQ(name_of(""), "c0ffee");
}

TEST(RegisteredPod, HasAnotherNameThatIsNobodyElsesWhereKubernetesDoesNot) {
  EXPECT_EQ(name_of("elegant_Curie"), "elegant-curie-0123456789ab");
  EXPECT_EQ(name_of("web-"), "web--0123456789ab");
  EXPECT_EQ(name_of("a..b"), "a--b-0123456789ab");
  EXPECT_EQ(name_of("___"), "pod-0123456789ab");
  EXPECT_EQ(name_of(std::string(300, 'x')), std::string(40, 'x') + "-0123456789ab");
}

TEST(RegisteredPod, IsInTheNamespaceThatCniSays) {
  podnet::Attachment attachment = container("web");
  EXPECT_EQ(registered_name(attachment).ns, "default");
  attachment.pod.pod_namespace = "shop";
  EXPECT_EQ(registered_name(attachment).ns, "shop");
}

TEST(RegisteredPod, HasTheLabelsThatKubernetesTakes) {
  EXPECT_THAT(valid_labels({{"app", "web"},
                            {"example.org/tier", ""},
                            {"maintainer", "A. Person <a@example.org>"},
                            {"-x", "y"},
                            {"Bad.Prefix/x", "y"},
                            {"a/b/c", "y"},
                            {"long", std::string(64, 'x')}}),
              ElementsAre(Pair("app", "web"), Pair("example.org/tier", "")));
}

TEST(RegisteredPod, IsReadBackAsWhatItStandsFor) {
  const podnet::Attachment attachment = container("web");
  const auto pod = read_registered_pod(registered(attachment), "node1");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->name, (ObjectName{"default", "web"}));
  EXPECT_EQ(pod->attachment, "fairlead/c0ffee/eth0");
  EXPECT_TRUE(is_up_to_date(*pod, attachment));
}

TEST(RegisteredPod, IsOutOfDateWithoutAStatusOrWithAnotherAddress) {
  podnet::Attachment attachment = container("web");
  const auto bare = read_registered_pod(make_registered_pod(attachment, {}, "node1"), "node1");
  ASSERT_TRUE(bare);
  EXPECT_FALSE(is_up_to_date(*bare, attachment));
  const auto pod = read_registered_pod(registered(attachment), "node1");
  attachment.ips.pop_back();
  EXPECT_FALSE(is_up_to_date(*pod, attachment));
}

TEST(RegisteredPod, OfAnotherNodeOrOfSomebodyElseIsNotOurs) {
  boost::json::value pod = registered(container("web"));
  EXPECT_FALSE(read_registered_pod(pod, "node2"));
  pod.as_object()["metadata"].as_object().erase("annotations");
  EXPECT_FALSE(read_registered_pod(pod, "node1"));
}

}  // namespace
}  // namespace fairlead
