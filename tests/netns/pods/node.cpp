// podnet::Attachments in a namespace -> Datapath::set_pods().
#include "tests/netns/pods/node.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "dataplane/ebpf/figures.hpp"
#include "dataplane/kernel/bpf_map.hpp"

namespace fairlead::test {
namespace {

Cidr cidr(const std::string& text) { return parse_cidr(text).value(); }

}  // namespace

PodNode::PodNode(int number)
    : space_(fmt::format("node{}", number)),
      ranges_{cidr(fmt::format("10.244.{}.0/24", number)),
              cidr(fmt::format("fd00:244:{}::/64", number))} {
  char pattern[] = "/tmp/fairlead-pods-XXXXXX";
  directory_ = ::mkdtemp(pattern);
  space_.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  space_.ip(fmt::format("address add 198.18.0.{}/32 dev lo", number));
  space_.ip(fmt::format("address add fd18::{}/128 dev lo", number));
  space_.sh(
      "nft 'add table inet seen; add chain inet seen forward { type filter hook forward priority "
      "0; }; add rule inet seen forward counter'");
  open();
  start_agent();
}

void PodNode::open() {
  auto bpffs = BpfFilesystem::mount("pods-" + directory_.substr(directory_.size() - 6));
  auto cgroup = Cgroup::make("pods-" + directory_.substr(directory_.size() - 6));
  ASSERT_TRUE(bpffs && cgroup);
  bpffs_ = *std::move(bpffs);
  cgroup_ = *std::move(cgroup);
  space_.run([&] {
    auto opened = podnet::Attachments::open(
        {.book = directory_ + "/pods.db", .pod_cidrs = ranges_, .mtu = 1450},
        [](const std::string& line) { fmt::print("{}\n", line); });
    ASSERT_TRUE(opened) << opened.error().doing;
    attachments_ = *std::move(opened);
  });
}

PodNode::~PodNode() {
  if (datapath_ != nullptr) {
    const auto cleaned = datapath_->cleanup();
    EXPECT_TRUE(cleaned) << cleaned.error().doing;
  }
  std::filesystem::remove_all(directory_);
}

const Namespace& PodNode::add_pod(const std::string& name) {
  const Namespace& pod = pods_.try_emplace(name, "pod-" + name).first->second;
  const std::string path = "/run/netns/" + pod.name();
  podnet::AttachmentRequest request;
  request.key = {"net", name, "eth0"};
  request.sandbox = path;
  space_.run([&] {
    auto added = attachments_->add(request, Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
    ASSERT_TRUE(added) << added.error().doing;
    attached_[name] = *std::move(added);
  });
  return pod;
}

const Ip& PodNode::address_of(const std::string& name, Family family) const {
  return *std::ranges::find(pod(name).ips, family, &Ip::family);
}

void PodNode::delete_pod(const std::string& name) {
  space_.run([&] {
    EXPECT_TRUE(attachments_->remove(pod(name).key));
    EXPECT_TRUE(attachments_->finish_removals());
  });
  attached_.erase(name);
}

void PodNode::start_agent(bool forward_by_stack) {
  datapath_.reset();
  ebpf::Options options;
  options.pin_directory = bpffs_->path() + "/fairlead";
  options.cgroup = cgroup_->path();
  options.forward_by_stack = forward_by_stack;
  options.flows_v4 = options.flows_v6 = 1 << 10;
  options.records = 1 << 12;
  options.frontends = options.affinities = 1 << 10;
  options.report = [](const Error& error) { ADD_FAILURE() << error.doing; };
  space_.run([&] {
    auto made = ebpf::make_datapath(std::move(options));
    ASSERT_TRUE(made) << made.error().doing;
    datapath_ = *std::move(made);
  });
}

void PodNode::tell_pods(const std::vector<std::string>& shaped) {
  std::vector<LocalPod> pods;
  for (const auto& [name, attachment] : attached_)
    pods.push_back({.ips = attachment.ips,
                    .link = attachment.host_link,
                    .is_shaped = std::ranges::find(shaped, name) != shaped.end()});
  const auto told = datapath_->set_pods({.local = pods,
                                         .networks = {cidr("10.244.0.0/16"), cidr("fd00:244::/32")},
                                         .tunnel = tunnel_});
  ASSERT_TRUE(told) << told.error().doing;
}

void PodNode::settle(const std::vector<std::string>& shaped) {
  tell_pods(shaped);
  const auto synced = datapath_->resync({});
  ASSERT_TRUE(synced) << synced.error().doing;
}

std::uint64_t PodNode::by_stack() const {
  const std::string rules = space_.output_of("nft list table inet seen");
  const std::size_t at = rules.find("packets ");
  return at == rules.npos ? ~0ULL : std::stoull(rules.substr(at + 8));
}

std::uint64_t PodNode::past_stack() const {
  // The datapath's own figures are of some seconds ago.
  std::uint64_t sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bpffs_->path() + "/fairlead")) {
    const auto map = BpfMapHandle::open_pinned(entry.path() / "maps/counters", "counters");
    if (!map) continue;
    const auto counters = ebpf::read_counters(map->fd());
    if (!counters) continue;
    const auto found = std::ranges::find(*counters, "pods_forwarded", &CounterFigure::name);
    if (found != counters->end()) sum += found->value;
  }
  return sum;
}

}  // namespace fairlead::test
