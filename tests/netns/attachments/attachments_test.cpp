// Pods' links and addresses on the real kernel: a node and its pods are network namespaces.
#include "dataplane/podnet/attachments.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "dataplane/podnet/book.hpp"
#include "dataplane/podnet/links.hpp"
#include "tests/netns/cluster/namespaces.hpp"

namespace fairlead::podnet {
namespace {

using test::Namespace;
using testing::HasSubstr;

Ip ip(const std::string& text) { return parse_ip(text).value(); }

class AttachmentsTest : public testing::Test {
 protected:
  AttachmentsTest() {
    char pattern[] = "/tmp/fairlead-pods-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    node_.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    node_.ip("address add 198.18.0.1/32 dev lo");
    node_.ip("address add fd18::1/128 dev lo");
  }
  ~AttachmentsTest() override { std::filesystem::remove_all(directory_); }

  /// With the book that is there; `body` runs in the node's namespace.
  template <class Body>
  void with_agent(Body body) {
    node_.run([&] {
      auto opened =
          Attachments::open({.book = book(), .kind = kind_, .pod_cidrs = ranges_, .mtu = 1450},
                            [this](const std::string& line) { warnings_ += line + "\n"; });
      ASSERT_TRUE(opened) << opened.error().doing;
      body(**opened);
    });
  }

  [[nodiscard]] std::string book() const { return directory_ + "/pods.db"; }
  static std::string path_of(const Namespace& pod) { return "/run/netns/" + pod.name(); }
  static Fd netns_of(const Namespace& pod) {
    return Fd(::open(path_of(pod).c_str(), O_RDONLY | O_CLOEXEC));
  }
  static AttachmentKey key(const std::string& container) { return {"net", container, "eth0"}; }
  static AttachmentRequest request(const std::string& container, const Namespace& pod) {
    AttachmentRequest request;
    request.key = key(container);
    request.sandbox = path_of(pod);
    return request;
  }
  static void expect_reach(const Namespace& from, std::initializer_list<const char*> addresses) {
    for (const char* address : addresses)
      EXPECT_THAT(from.output_of(std::string("ping -c1 -W2 ") + address),
                  HasSubstr(" 0% packet loss"))
          << address;
  }
  static Attachment added(Attachments& attachments, const std::string& container,
                          const Namespace& pod) {
    auto attachment = attachments.add(request(container, pod), netns_of(pod));
    if (!attachment) ADD_FAILURE() << attachment.error().doing;
    return attachment.value_or(Attachment{});
  }
  [[nodiscard]] std::string node_links() const { return node_.output_of("ip -br link"); }

  std::string directory_;
  std::vector<Cidr> ranges_{parse_cidr("10.244.1.0/24").value(),
                            parse_cidr("fd00:244:1::/64").value()};
  std::string kind_ = "vxlan", warnings_;
  Namespace node_{"pods-node"}, a_{"pods-a"}, b_{"pods-b"};
};

TEST_F(AttachmentsTest, PodsReachTheNodeAndEachOtherInBothFamilies) {
  with_agent([&](Attachments& attachments) {
    const Attachment a = added(attachments, "a", a_);
    const Attachment b = added(attachments, "b", b_);
    EXPECT_THAT(a.ips, testing::ElementsAre(ip("10.244.1.1"), ip("fd00:244:1::1")));
    expect_reach(a_, {"198.18.0.1", "fd18::1", "10.244.1.2", "fd00:244:1::2"});
    expect_reach(node_, {"10.244.1.2", "fd00:244:1::2"});
    EXPECT_THAT(a_.output_of("ip link show eth0"), HasSubstr("mtu 1450"));
    EXPECT_EQ(attachments.all().size(), 2U);
  });
}

TEST_F(AttachmentsTest, NeitherEndAsksWhereTheOtherIs) {
  with_agent([&](Attachments& attachments) {
    const Attachment a = added(attachments, "a", a_);
    expect_reach(a_, {"198.18.0.1"});
    EXPECT_THAT(a_.output_of("ip neighbour show nud permanent"), HasSubstr("169.254.1.1"));
    EXPECT_EQ(a_.output_of("ip -4 neighbour show nud reachable nud stale nud delay nud probe"), "");
    EXPECT_EQ(node_.output_of("ip -4 neighbour show nud reachable nud stale nud delay nud probe"),
              "");
    EXPECT_THAT(node_.output_of("ip address show dev " + a.host_link),
                testing::Not(HasSubstr("inet")));
    EXPECT_EQ(node_.output_of("sysctl -n net.ipv6.conf." + a.host_link + ".accept_ra"), "0\n");
  });
}

TEST_F(AttachmentsTest, APodOfIpv4AloneHasNoIpv6) {
  ranges_.pop_back();
  with_agent([&](Attachments& attachments) {
    EXPECT_EQ(added(attachments, "a", a_).ips.size(), 1U);
    EXPECT_EQ(a_.output_of("ip -6 address show dev eth0"), "");
  });
}

TEST_F(AttachmentsTest, TheSameAttachmentAgainIsRefused) {
  with_agent([&](Attachments& attachments) {
    added(attachments, "a", a_);
    const auto again = attachments.add(request("a", a_), netns_of(a_));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().why, Refusal::kExists);
    expect_reach(a_, {"198.18.0.1"});
  });
}

TEST_F(AttachmentsTest, AnInterfaceThatIsThereIsLeftAloneAndNothingElseIsLeft) {
  a_.ip("link add eth0 type bridge");
  a_.ip("address add 192.0.2.1/24 dev eth0");
  const std::string before = node_links();
  with_agent([&](Attachments& attachments) {
    const auto refused = attachments.add(request("a", a_), netns_of(a_));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().why, Refusal::kExists);
    EXPECT_TRUE(attachments.all().empty());
  });
  EXPECT_THAT(a_.output_of("ip -br address show dev eth0"), HasSubstr("192.0.2.1/24"));
  EXPECT_EQ(node_links(), before);
}

TEST_F(AttachmentsTest, ANamespaceThatIsMissingNoneOrTheNodesOwnIsRefused) {
  with_agent([&](Attachments& attachments) {
    const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    for (const Fd* bad : {&file}) {
      const auto refused = attachments.add(request("a", a_), *bad);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().why, Refusal::kInvalidNetns);
    }
    EXPECT_EQ(attachments.add(request("a", a_), Fd()).error().why, Refusal::kInvalidNetns);
    EXPECT_EQ(attachments.add(request("a", a_), netns_of(node_)).error().why,
              Refusal::kInvalidNetns);
    EXPECT_TRUE(attachments.all().empty());
  });
}

TEST_F(AttachmentsTest, WhatIsRemovedIsGoneAndRemovingAgainSucceeds) {
  with_agent([&](Attachments& attachments) {
    const Attachment a = added(attachments, "a", a_);
    const auto removed = attachments.remove(a.key);
    ASSERT_TRUE(removed && *removed);
    EXPECT_EQ((*removed)->ips, a.ips);
    EXPECT_EQ(node_.output_of("ip route show proto 201"), "");
    ASSERT_TRUE(attachments.finish_removals());
    EXPECT_THAT(node_links(), testing::Not(HasSubstr("fl-")));
    for (const AttachmentKey& gone : {a.key, key("never")}) {
      const auto again = attachments.remove(gone);
      ASSERT_TRUE(again);
      EXPECT_EQ(*again, std::nullopt);
    }
  });
}

TEST_F(AttachmentsTest, AnotherAddFollowsARemovalAtOnce) {
  with_agent([&](Attachments& attachments) {
    for (int i = 0; i < 5; ++i) {
      const Attachment a = added(attachments, fmt::format("c{}", i % 2), a_);
      EXPECT_EQ(a.ips[0], ip(fmt::format("10.244.1.{}", i + 1))) << "a freed address came at once";
      ASSERT_TRUE(attachments.remove(a.key));
    }
  });
}

TEST_F(AttachmentsTest, CheckPassesAndThenNamesWhatIsMissing) {
  const std::vector<std::pair<std::string, std::string>> damages{
      {"pod ip address del 10.244.1.1/32 dev eth0", "lost 10.244.1.1"},
      {"pod ip route del default", "default route via 169.254.1.1"},
      {"pod ip neighbour del 169.254.1.1 dev eth0", "neighbour 169.254.1.1"},
      {"pod ip link set eth0 down", "down"},
      {"node ip route del 10.244.1.1/32", "route to 10.244.1.1/32"},
      {"node ip link del LINK", "missing"}};
  for (const auto& [damage, says] : damages) {
    std::filesystem::remove(book());
    with_agent([&](Attachments& attachments) {
      const Attachment a = added(attachments, "a", a_);
      const auto sound = attachments.check(a.key, netns_of(a_));
      EXPECT_TRUE(sound) << sound.error().doing;
      std::string command = damage.substr(damage.find(' ') + 1);
      if (const auto at = command.find("LINK"); at != std::string::npos)
        command.replace(at, 4, a.host_link);
      (damage.starts_with("pod") ? a_ : node_).sh(command);
      const auto checked = attachments.check(a.key, netns_of(a_));
      ASSERT_FALSE(checked) << damage;
      EXPECT_EQ(checked.error().why, Refusal::kDiffers);
      EXPECT_THAT(checked.error().doing, HasSubstr(says));
      ASSERT_TRUE(attachments.clean_up());
    });
  }
  with_agent([&](Attachments& attachments) {
    EXPECT_EQ(attachments.check(key("never"), netns_of(a_)).error().why, Refusal::kUnknown);
  });
}

TEST_F(AttachmentsTest, RepairPutsBackWhatOthersTookAway) {
  with_agent([&](Attachments& attachments) {
    const Attachment a = added(attachments, "a", a_);
    const std::vector<std::string> damages{
        "ip link del " + a.host_link,
        "ip route del 10.244.1.1/32",
        "ip -6 route del fd00:244:1::1/128",
        "ip neighbour del 10.244.1.1 dev " + a.host_link,
        "ip link set " + a.host_link + " down",
        "ip link set " + a.host_link + " mtu 1300",
        "ip link set " + a.host_link + " address 02:00:00:00:00:09"};
    for (const std::string& damage : damages) {
      node_.sh(damage);
      const auto repaired = attachments.repair();
      ASSERT_TRUE(repaired) << damage << ": " << repaired.error().doing;
      EXPECT_EQ(repaired->size(), 1U) << damage;
      expect_reach(a_, {"198.18.0.1", "fd18::1"});
      EXPECT_TRUE(attachments.check(a.key, netns_of(a_))) << damage;
    }
    EXPECT_TRUE(attachments.repair()->empty());
  });
}

TEST_F(AttachmentsTest, APodThatIsGoneWithoutDelIsFreed) {
  with_agent([&](Attachments& attachments) {
    {
      const Namespace gone("pods-gone");
      added(attachments, "gone", gone);
    }
    // The kernel takes a namespace down behind its last user's back.
    for (int i = 0; node_links().find("fl-") != std::string::npos && i < 1000; ++i)
      node_.sh("ip -br link > /dev/null");
    const auto repaired = attachments.repair();
    ASSERT_TRUE(repaired);
    EXPECT_THAT(*repaired, testing::ElementsAre(HasSubstr("gone without a DEL")));
    EXPECT_TRUE(attachments.all().empty());
  });
}

TEST_F(AttachmentsTest, CollectRemovesWhatIsNotValidOfOneNetwork) {
  with_agent([&](Attachments& attachments) {
    added(attachments, "a", a_);
    added(attachments, "b", b_);
    const std::vector<AttachmentKey> valid{key("b")};
    EXPECT_TRUE(attachments.collect("another", {})->empty());
    const auto removed = attachments.collect("net", valid);
    ASSERT_TRUE(removed);
    ASSERT_EQ(removed->size(), 1U);
    EXPECT_EQ(removed->front().key, key("a"));
    expect_reach(b_, {"198.18.0.1"});
  });
}

// What a SIGKILL leaves behind after each step.

TEST_F(AttachmentsTest, AfterARestartPodsKeepWhatTheyHave) {
  Attachment before;
  with_agent([&](Attachments& attachments) { before = added(attachments, "a", a_); });
  with_agent([&](Attachments& attachments) {
    EXPECT_THAT(attachments.all(), testing::ElementsAre(before));
    expect_reach(a_, {"198.18.0.1"});
    EXPECT_EQ(added(attachments, "b", b_).ips[0], ip("10.244.1.2"));
  });
  EXPECT_EQ(warnings_, "");
}

TEST_F(AttachmentsTest, AfterARestartPodsAreConnectedBeforeAnybodySaysFromWhichRanges) {
  with_agent([&](Attachments& attachments) {
    attachments.set_options({parse_cidr("10.244.7.0/24").value()}, 1400);
  });
  ranges_.clear();
  with_agent([&](Attachments& attachments) {
    const Attachment a = added(attachments, "a", a_);
    EXPECT_THAT(a.ips, testing::ElementsAre(ip("10.244.7.1")));
    EXPECT_EQ(a.mtu, 1400U);
  });
  kind_ = "routes";
  with_agent([&](Attachments& attachments) {
    EXPECT_EQ(attachments.status().error().why, Refusal::kNotReady) << "it was for another network";
  });
}

TEST_F(AttachmentsTest, KilledBetweenBookAndLinksThePodGetsItsLinkAtStart) {
  Attachment before;
  with_agent([&](Attachments& attachments) { before = added(attachments, "a", a_); });
  node_.ip("link del " + before.host_link);
  with_agent([&](Attachments& attachments) {
    EXPECT_TRUE(attachments.check(before.key, netns_of(a_)));
    // A runtime that was told nothing tries again, or gives the pod up.
    ASSERT_TRUE(attachments.remove(before.key));
    ASSERT_TRUE(attachments.finish_removals());
    EXPECT_EQ(added(attachments, "a", a_).ips[0], ip("10.244.1.2"));
  });
}

TEST_F(AttachmentsTest, KilledBetweenBookAndRemovalTheLinkGoesAtStart) {
  with_agent([&](Attachments& attachments) {
    ASSERT_TRUE(attachments.remove(added(attachments, "a", a_).key));
  });
  EXPECT_THAT(node_links(), HasSubstr("fl-"));
  with_agent([&](Attachments& attachments) { EXPECT_TRUE(attachments.all().empty()); });
  EXPECT_THAT(node_links(), testing::Not(HasSubstr("fl-")));
}

TEST_F(AttachmentsTest, ALostBookIsWrittenAnewFromTheLinks) {
  Attachment before;
  with_agent([&](Attachments& attachments) { before = added(attachments, "a", a_); });
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directory(directory_);
  with_agent([&](Attachments& attachments) {
    const auto all = attachments.all();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].key, before.key);
    EXPECT_EQ(all[0].ips, before.ips);
    EXPECT_EQ(all[0].pod_mac, before.pod_mac);
    EXPECT_EQ(added(attachments, "b", b_).ips[0], ip("10.244.1.2"));
  });
  EXPECT_THAT(warnings_, HasSubstr("was in no book"));
}

TEST_F(AttachmentsTest, AfterARebootAllAddressesAreFree) {
  Attachment before;
  with_agent([&](Attachments& attachments) { before = added(attachments, "a", a_); });
  std::optional<std::string> damage;
  ASSERT_TRUE(Book::open(book(), damage)->set_boot("another"));
  node_.ip("link del " + before.host_link);
  with_agent([&](Attachments& attachments) {
    EXPECT_TRUE(attachments.all().empty());
    EXPECT_EQ(added(attachments, "b", b_).ips[0], ip("10.244.1.2"))
        << "an address that was freed came at once";
  });
  EXPECT_THAT(warnings_, HasSubstr("started anew"));
}

TEST_F(AttachmentsTest, AFullDiskCostsTheAddAndNothingElse) {
  ASSERT_EQ(::mount("none", directory_.c_str(), "tmpfs", 0, "size=256k"), 0);
  with_agent([&](Attachments& attachments) {
    const Attachment a = added(attachments, "a", a_);
    std::ofstream(directory_ + "/filler") << std::string(256 * 1024, 'x');  // as much as fits
    AttachmentRequest large = request("b", b_);
    for (int i = 0; i < 5000; ++i) large.labels[fmt::format("label-{}", i)] = "value";
    const auto refused = attachments.add(large, netns_of(b_));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().why, Refusal::kStorage);
    EXPECT_THAT(refused.error().doing, HasSubstr("full"));
    EXPECT_EQ(b_.output_of("ip -br link show type veth"), "");
    EXPECT_TRUE(attachments.remove(a.key));
    std::filesystem::remove(directory_ + "/filler");
    EXPECT_TRUE(attachments.finish_removals());
    EXPECT_TRUE(attachments.add(large, netns_of(b_)));
  });
  EXPECT_EQ(::umount(directory_.c_str()), 0);
}

TEST_F(AttachmentsTest, AHundredAtOnceHaveAddressesOfTheirOwn) {
  constexpr int kPods = 100, kThreads = 16;
  std::vector<std::unique_ptr<Namespace>> pods;
  for (int i = 0; i < kPods; ++i)
    pods.push_back(std::make_unique<Namespace>(fmt::format("pods-{}", i)));
  with_agent([&](Attachments& attachments) {
    std::atomic<int> next{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (int pod = next++; pod < kPods; pod = next++)
          added(attachments, fmt::format("c{}", pod), *pods[static_cast<std::size_t>(pod)]);
      });
    threads.clear();
    std::set<Ip> ips;
    for (const Attachment& attachment : attachments.all())
      ips.insert(attachment.ips.begin(), attachment.ips.end());
    EXPECT_EQ(ips.size(), 2U * kPods);
    for (const auto& pod : pods) expect_reach(*pod, {"198.18.0.1"});
    ASSERT_TRUE(attachments.clean_up());
    EXPECT_THAT(node_links(), testing::Not(HasSubstr("fl-")));
  });
}

}  // namespace
}  // namespace fairlead::podnet
