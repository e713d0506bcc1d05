// Limits of what pods send and receive: what iperf3 gets through them, and that they come back.
#include "dataplane/podnet/bandwidth.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>

#include "dataplane/podnet/attachments.hpp"
#include "tests/netns/cluster/namespaces.hpp"

namespace fairlead::podnet {
namespace {

using test::Namespace;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kRate = 40'000'000;         // bits a second
constexpr std::uint64_t kContainerds = 4294967295;  // as it says that no burst was given

class BandwidthTest : public testing::Test {
 protected:
  BandwidthTest() {
    char pattern[] = "/tmp/fairlead-bandwidth-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    node_.sh("sysctl -qw net.ipv4.ip_forward=1");
    node_.ip("address add 198.18.0.1/32 dev lo");
    node_.run([&] {
      auto opened = Attachments::open({.book = directory_ + "/pods.db",
                                       .pod_cidrs = {parse_cidr("10.244.1.0/24").value()},
                                       .mtu = 1450},
                                      [](const std::string&) {});
      ASSERT_TRUE(opened) << opened.error().doing;
      attachments_ = std::move(*opened);
    });
  }
  ~BandwidthTest() override {
    // It ends after its one client, who may never have come.
    pod_.sh(fmt::format("! test -s {0} || kill $(tr -d '\\0' < {0}) || true", pid_file()));
    std::filesystem::remove_all(directory_);
  }
  [[nodiscard]] std::string pid_file() const { return directory_ + "/pid"; }

  [[nodiscard]] Fd netns() const {
    return Fd(::open(("/run/netns/" + pod_.name()).c_str(), O_RDONLY | O_CLOEXEC));
  }
  Attachment add(const Bandwidth& bandwidth) {
    Attachment added;
    node_.run([&] {
      AttachmentRequest request;
      request.key = {"net", "a", "eth0"};
      request.sandbox = "/run/netns/" + pod_.name();
      request.bandwidth = bandwidth;
      auto attachment = attachments_->add(request, netns());
      ASSERT_TRUE(attachment) << attachment.error().doing;
      added = *attachment;
    });
    return added;
  }
  /// "" if nothing is missing.
  std::string check(const Attachment& attachment) {
    std::string differs;
    node_.run([&] {
      if (const auto checked = attachments_->check(attachment.key, netns()); !checked)
        differs = checked.error().doing;
    });
    return differs;
  }
  std::size_t repair() {
    std::size_t lines = 0;
    node_.run([&] {
      const auto repaired = attachments_->repair();
      ASSERT_TRUE(repaired) << repaired.error().doing;
      lines = repaired->size();
    });
    return lines;
  }
  /// Bits a second that come through, TCP, for two seconds. `options`: -R is from the pod.
  double rate(const Attachment& attachment, const std::string& options) {
    pod_.sh("iperf3 -s -1 -D -I " + pid_file() + " >/dev/null");
    while (pod_.output_of("ss -Htln sport = 5201").empty()) {
    }
    const std::string output =
        node_.output_of(fmt::format("iperf3 -J -t 2 -O 1 --connect-timeout 3000 -c {} {}",
                                    to_string(attachment.ips.at(0)), options));
    boost::system::error_code wrong;
    const auto json = boost::json::parse(output, wrong);
    const auto* result =
        wrong ? nullptr : json.find_pointer("/end/sum_received/bits_per_second", wrong);
    if (result == nullptr) {
      ADD_FAILURE() << output;
      return 0;
    }
    RecordProperty("bits_a_second" + options, std::to_string(result->to_number<double>()));
    return result->to_number<double>();
  }
  static void expect_limited(double rate) {
    EXPECT_GE(rate, 0.5 * static_cast<double>(kRate));
    EXPECT_LE(rate, 1.1 * static_cast<double>(kRate));
  }

  std::string directory_;
  Namespace node_{"limit-node"}, pod_{"limit-pod"};
  std::unique_ptr<Attachments> attachments_;
};

TEST_F(BandwidthTest, WhatAPodReceivesIsLimitedAndWhatItSendsIsNot) {
  const Attachment pod = add({.ingress_rate = kRate, .ingress_burst = kContainerds});
  expect_limited(rate(pod, ""));
  EXPECT_GE(rate(pod, "-R"), 2.0 * kRate);
}

TEST_F(BandwidthTest, WhatAPodSendsIsLimitedAndWhatItReceivesIsNot) {
  const Attachment pod = add({.egress_rate = kRate});
  expect_limited(rate(pod, "-R"));
  EXPECT_GE(rate(pod, ""), 2.0 * kRate);
}

TEST_F(BandwidthTest, BothLimitsHoldAtOnceWithBurstsOfTheirOwn) {
  const Attachment pod = add({.ingress_rate = kRate,
                              .ingress_burst = 2'000'000,
                              .egress_rate = kRate,
                              .egress_burst = 100});
  EXPECT_EQ(check(pod), "");
  expect_limited(rate(pod, ""));
  expect_limited(rate(pod, "-R"));
}

TEST_F(BandwidthTest, WithoutLimitThereIsNoQueueingDiscipline) {
  const Attachment pod = add({.ingress_burst = kContainerds, .egress_burst = kContainerds});
  EXPECT_THAT(node_.output_of("tc qdisc show dev " + pod.host_link), Not(HasSubstr("tbf")));
  EXPECT_THAT(pod_.output_of("tc qdisc show dev eth0"), Not(HasSubstr("tbf")));
  EXPECT_EQ(check(pod), "");
}

TEST_F(BandwidthTest, ALimitThatSomebodyDeletesOnTheNodeIsMissedAndComesBack) {
  const Attachment pod = add({.ingress_rate = kRate});
  EXPECT_EQ(check(pod), "");
  node_.sh("tc qdisc del dev " + pod.host_link + " root");
  EXPECT_THAT(check(pod), HasSubstr("limit of what the pod receives"));
  EXPECT_EQ(repair(), 1U);
  EXPECT_EQ(check(pod), "");
  EXPECT_EQ(repair(), 0U);
  node_.sh("tc qdisc replace dev " + pod.host_link + " root tbf rate 1mbit burst 32k limit 64k");
  EXPECT_EQ(repair(), 1U);
  EXPECT_EQ(check(pod), "");
}

TEST_F(BandwidthTest, ALimitThatAPodDeletesIsMissed) {
  const Attachment pod = add({.egress_rate = kRate});
  pod_.sh("tc qdisc del dev eth0 root");
  EXPECT_THAT(check(pod), HasSubstr("limit of what the pod sends"));
}

TEST_F(BandwidthTest, ALimitLivesBesideClassifiersAtTheSameLink) {
  const Attachment pod = add({.ingress_rate = kRate});
  node_.sh("tc qdisc add dev " + pod.host_link + " clsact");
  EXPECT_EQ(check(pod), "");
  expect_limited(rate(pod, ""));
  EXPECT_EQ(repair(), 0U);
  EXPECT_THAT(node_.output_of("tc qdisc show dev " + pod.host_link), HasSubstr("clsact"));
}

TEST_F(BandwidthTest, VeryFastAndVerySlowRatesAreHeldAsTheyWereAskedFor) {
  for (const std::uint64_t rate : {std::uint64_t{1}, std::uint64_t{400'000'000'000}}) {
    const Attachment pod = add({.ingress_rate = rate, .egress_rate = rate});
    EXPECT_EQ(check(pod), "") << rate;
    node_.run([&] {
      ASSERT_TRUE(attachments_->remove(pod.key));
      ASSERT_TRUE(attachments_->finish_removals());
    });
  }
}

TEST(TokenBucket, HasABurstOfItsOwnWhereTheRuntimeHasNone) {
  EXPECT_EQ(token_bucket(0, kContainerds, 1450), std::nullopt);
  EXPECT_EQ(token_bucket(80'000'000, 0, 1450), (TokenBucket{10'000'000, 500'000}));
  EXPECT_EQ(token_bucket(80'000'000, kContainerds, 1450), (TokenBucket{10'000'000, 500'000}));
  EXPECT_EQ(token_bucket(8'000'000, 0, 1450), (TokenBucket{1'000'000, 131'072}));
  EXPECT_EQ(token_bucket(8'000'000, 8'000, 1450), (TokenBucket{1'000'000, 1'468}))
      << "a burst that is less than a packet lets none through";
  EXPECT_EQ(token_bucket(~std::uint64_t{0}, 0, 1450)->burst, kMostBurst);
}

}  // namespace
}  // namespace fairlead::podnet
