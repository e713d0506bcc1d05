// What the datapath finds in the kernel and leaves there: adoption, repair, minimal writes, full
// maps, generations, and nothing after it.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <set>

#include "bpf/abi/frontends.h"
#include "dataplane/ebpf/attach.hpp"
#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/ebpf/load.hpp"
#include "dataplane/kernel/bpf_link.hpp"
#include "dataplane/kernel/bpf_probe.hpp"
#include "dataplane/kernel/filter_monitor.hpp"
#include "tests/netns/cluster/bpf_home.hpp"
#include "tests/netns/cluster/cluster.hpp"

namespace fairlead::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A namespace with a pair of interfaces, a bpffs and a cgroup: no traffic.
constexpr auto kAll = ebpf::Attachments::Which::kAll, kNew = ebpf::Attachments::Which::kNew;

class EbpfKernel : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    auto mounted = BpfFilesystem::mount("kernel");
    ASSERT_TRUE(mounted) << mounted.error().doing;
    bpffs = std::move(*mounted);
    auto made = Cgroup::make("kernel");
    ASSERT_TRUE(made) << made.error().doing;
    cgroup = std::move(*made);
    node = std::make_unique<Namespace>("kernel");
    node->ip("link add eth0 type veth peer name peer0");
    node->ip("addr add 198.18.0.1/24 dev eth0");
    node->ip("link set eth0 up");
    options.pin_directory = bpffs->path() + "/fairlead";
    options.cgroup = cgroup->path();
    options.flows_v4 = options.flows_v6 = 1 << 10;
    options.records = 1 << 14;
    options.frontends = 1 << 10;
    options.affinities = 1 << 8;
    options.report = [this](const Error& error) { reports.push_back(error.doing); };
    open();
  }
  void TearDown() override {
    if (datapath == nullptr) return;
    const auto cleaned = datapath->cleanup();
    EXPECT_TRUE(cleaned) << cleaned.error().doing;
    EXPECT_FALSE(fs::exists(options.pin_directory)) << "a pin is left";
    EXPECT_THAT(links_of_node(), testing::IsEmpty());
  }

  void open() {
    datapath.reset();
    node->run([&] {
      auto made = ebpf::make_datapath(options);
      ASSERT_TRUE(made) << made.error().doing;
      datapath = std::move(*made);
    });
  }
  SyncReport resync(const Plan& plan) {
    auto report = datapath->resync(plan);
    EXPECT_TRUE(report) << report.error().doing;
    return report.value_or(SyncReport{});
  }
  SyncReport apply(const ServicePlan& wanted) {
    const ServicePlans plans{wanted};
    const ServiceChange change{wanted.name.service, &plans};
    auto report = datapath->apply({&change, 1});
    EXPECT_TRUE(report) << report.error().doing;
    return report.value_or(SyncReport{});
  }
  static void expect_nothing_written(const SyncReport& report) {
    EXPECT_EQ(report.elements_added, 0U);
    EXPECT_EQ(report.elements_removed, 0U);
    EXPECT_EQ(report.transactions, 0U);
  }

  static NodeSettings settings() {
    NodeSettings settings;
    settings.node_port_addresses = {parse_ip("198.18.0.1").value()};
    return settings;
  }
  static Backend backend(std::uint8_t last) {
    return {.address = ip_from_v4({10, 244, 1, last}), .port = {8080}};
  }
  static ServicePlan web(const std::string& name, std::uint8_t last,
                         std::vector<Backend> backends = {backend(1), backend(2)}) {
    return service(name, Protocol::kTcp, Family::kIpv4,
                   {cluster_ip(ip_from_v4({10, 96, 0, last}), 80),
                    node_port(Family::kIpv4, static_cast<std::uint16_t>(30000 + last))},
                   std::move(backends));
  }
  static ServicePlan sticky() {
    ServicePlan plan = web("sticky", 9);
    plan.affinity = std::chrono::hours(1);
    Frontend balancer = load_balancer(parse_ip("192.0.2.9").value(), 80);
    balancer.source_ranges = {parse_cidr("198.51.100.0/24").value()};
    plan.frontends.push_back(balancer);
    return plan;
  }
  static Plan everything() { return plan_of(settings(), {web("a", 1), web("b", 2), sticky()}); }

  [[nodiscard]] std::vector<std::string> generations() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(options.pin_directory))
      if (entry.path().filename().string().starts_with("abi"))
        names.push_back(entry.path().filename());
    return names;
  }
  [[nodiscard]] std::string directory() const {
    return options.pin_directory + '/' + generations().at(0);
  }
  [[nodiscard]] std::uint32_t map_id(const std::string& map) const {
    const Fd fd(::bpf_obj_get((directory() + "/maps/" + map).c_str()));
    bpf_map_info info{};
    __u32 size = sizeof(info);
    EXPECT_EQ(::bpf_obj_get_info_by_fd(fd.get(), &info, &size), 0);
    return info.id;
  }
  /// In the kernel, now. Keys of at most 64 bytes.
  [[nodiscard]] std::size_t elements_of(const std::string& map) const {
    const Fd fd(::bpf_obj_get((directory() + "/maps/" + map).c_str()));
    std::array<std::byte, 64> key{};
    std::size_t count = 0;
    for (int more = ::bpf_map_get_next_key(fd.get(), nullptr, key.data()); more == 0; ++count)
      more = ::bpf_map_get_next_key(fd.get(), key.data(), key.data());
    return count;
  }
  [[nodiscard]] std::uint64_t used(const std::string& map) const {
    const auto figures = datapath->figures();
    EXPECT_TRUE(figures) << figures.error().doing;
    for (const TableFigure& table : figures->tables)
      if (table.name == map) return table.used;
    ADD_FAILURE() << "no figure of " << map;
    return 0;
  }
  /// Names of links' pins of interfaces: tcx.
  [[nodiscard]] std::set<std::string> link_pins() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory() + "/links"))
      names.insert(entry.path().filename());
    return names;
  }
  [[nodiscard]] int index_of(const std::string& interface) const {
    return std::stoi(node->output_of("cat /sys/class/net/" + interface +
                                     "/ifindex 2>/dev/null || "
                                     "ip -o link show " +
                                     interface + " | cut -d: -f1"));
  }
  [[nodiscard]] std::vector<std::uint32_t> links_of_node() const {
    std::vector<std::uint32_t> found;
    node->run([&] {
      for (const BpfHook hook : {kTcxIngress, kTcxEgress})
        for (int index = 1; index < 8; ++index)
          if (const auto at = programs_at(index, hook))
            found.insert(found.end(), at->begin(), at->end());
    });
    return found;
  }
  [[nodiscard]] bool told_of_foreign_change() const {
    pollfd monitor{datapath->monitor_fd(), POLLIN, 0};
    if (::poll(&monitor, 1, 1000) != 1) return false;
    auto changed = datapath->foreign_change();
    EXPECT_TRUE(changed) << changed.error().doing;
    return changed.value_or(false);
  }

  std::unique_ptr<BpfFilesystem> bpffs;
  std::unique_ptr<Cgroup> cgroup;
  std::unique_ptr<Namespace> node;
  ebpf::Options options;
  std::vector<std::string> reports;
  std::unique_ptr<Datapath> datapath;  // first to go
};

TEST_F(EbpfKernel, ASecondResyncAndARestartedAgentWriteNothing) {
  EXPECT_GT(resync(everything()).elements_added, 0U);
  expect_nothing_written(resync(everything()));
  const std::uint32_t records = map_id("records");
  open();
  expect_nothing_written(resync(everything()));
  EXPECT_EQ(map_id("records"), records) << "the maps are the same";
  expect_nothing_written(apply(web("a", 1)));
  EXPECT_THAT(reports, testing::IsEmpty());
}

TEST_F(EbpfKernel, ARestartedAgentRemovesWhatIsNoLongerWanted) {
  resync(everything());
  open();
  const SyncReport report = resync(plan_of(settings(), {web("a", 1)}));
  EXPECT_EQ(report.elements_added, 0U);
  EXPECT_EQ(used("frontends"), 4U) << "ClusterIP, its address, NodePort, the node's address";
  EXPECT_EQ(used("members"), 0U);
  EXPECT_EQ(used("source_ranges"), 0U);
}

TEST_F(EbpfKernel, ElementsThatOthersRemovedComeBack) {
  resync(everything());
  const Fd frontends(::bpf_obj_get((directory() + "/maps/frontends").c_str()));
  fl_frontend_key key{};
  while (::bpf_map_get_next_key(frontends.get(), nullptr, &key) == 0)
    ASSERT_EQ(::bpf_map_delete_elem(frontends.get(), &key), 0);
  EXPECT_GT(resync(everything()).elements_added, 5U);
  expect_nothing_written(resync(everything()));
}

TEST_F(EbpfKernel, OneChangeWritesOneFrontendsWord) {
  resync(everything());
  ServicePlan changed = web("a", 1, {backend(1), backend(3)});
  const SyncReport report = apply(changed);
  EXPECT_EQ(report.elements_added, 2U) << "ClusterIP and NodePort name the new block";
  EXPECT_EQ(report.elements_removed, 0U);
}

TEST_F(EbpfKernel, AServiceThatDoesNotFitIsRefusedAndTheOthersGoOn) {
  std::vector<ServicePlan> plans = {web("a", 1), web("b", 2)};
  ServicePlan huge = web("huge", 3);
  for (std::uint16_t port = 1; port <= 1200; ++port)
    huge.frontends.push_back(cluster_ip(ip_from_v4({10, 96, 0, 3}), port));
  std::ranges::sort(huge.frontends);
  plans.insert(plans.begin() + 1, huge);
  resync(plan_of(settings(), plans));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(reports[0], testing::AllOf(HasSubstr("huge"), HasSubstr("BPF map frontends is full"),
                                         HasSubstr("of 1024")));
  EXPECT_EQ(used("frontends"), 7U) << "nothing of it is there, and all of the others";
}

TEST_F(EbpfKernel, OfTwoNamesWithOneHashTheFirstStaysAndTheErrorNamesBoth) {
  // A known collision of 64-bit FNV-1a. No namespace is called so; one that is may collide as well.
  ServicePlan first = web("web", 1), second = web("web", 2);
  first.name.service.ns = "8yn0iYCKYHlIj4-BwPqk";
  second.name.service.ns = "GReLUrM4wMqfg9yzV3KQ";
  resync(plan_of(settings(), {first}));
  ASSERT_THAT(reports, testing::IsEmpty());
  const auto frontends = elements_of("frontends");
  apply(second);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(reports[0],
              testing::AllOf(HasSubstr("8yn0iYCKYHlIj4-BwPqk/web"),
                             HasSubstr("GReLUrM4wMqfg9yzV3KQ/web"), HasSubstr("the same hash")));
  EXPECT_EQ(elements_of("frontends"), frontends) << "the first is there, and nothing of the second";
  expect_nothing_written(resync(plan_of(settings(), {first})));
  // Together from the start: one of them is there, and is told of the other.
  reports.clear();
  resync(plan_of(settings(), {first, second}));
  EXPECT_EQ(reports.size(), 1U);
  EXPECT_EQ(elements_of("frontends"), frontends);
  apply(web("other", 3));
  EXPECT_GT(elements_of("frontends"), frontends) << "others go on";
}

TEST_F(EbpfKernel, BackendsThatDoNotFitGoWithoutMaglevFirst) {
  std::vector<Backend> many;
  for (int i = 0; i < 600; ++i)
    many.push_back({.address = ip_from_v4({10, 244, static_cast<std::uint8_t>(i / 256),
                                           static_cast<std::uint8_t>(i % 256)}),
                    .port = {80}});
  std::vector<ServicePlan> plans;
  // With tables of full size each takes 602 + 4096 records; there are 16384.
  for (std::uint8_t i = 1; i <= 6; ++i) plans.push_back(web(fmt::format("s{}", i), i, many));
  resync(plan_of(settings(), plans));
  EXPECT_THAT(reports, testing::Not(testing::Contains(HasSubstr("is not programmed"))));
  EXPECT_THAT(reports, testing::Contains(HasSubstr("Maglev tables are smaller")));
  expect_nothing_written(resync(plan_of(settings(), plans)));
}

TEST_F(EbpfKernel, APinThatOthersRemovedIsNoticedAndMended) {
  resync(everything());
  const auto pins = link_pins();
  ASSERT_TRUE(pins.contains("connect4"));
  ASSERT_EQ(::unlink((directory() + "/links/connect4").c_str()), 0);
  EXPECT_TRUE(told_of_foreign_change());
  resync(everything());
  EXPECT_EQ(link_pins(), pins);
}

TEST_F(EbpfKernel, ANewInterfaceIsKnownAndAnOldOneForgotten) {
  resync(everything());
  const std::uint64_t before = used("interfaces");
  node->ip("link add eth1 type veth peer name peer1");
  const std::string pin = fmt::format("ingress-{}", index_of("eth1"));
  const bool has_programs = link_pins().contains(fmt::format("ingress-{}", index_of("eth0")));
  EXPECT_FALSE(told_of_foreign_change()) << "it is not of ours that something changed";
  EXPECT_EQ(link_pins().contains(pin), has_programs);
  open();
  resync(everything());
  EXPECT_EQ(used("interfaces"), before + 2) << "both ends";
  node->ip("link del eth1");
  EXPECT_FALSE(told_of_foreign_change());
  EXPECT_FALSE(link_pins().contains(pin));
}

TEST_F(EbpfKernel, AnotherSizeIsAnotherGenerationAndTheOldOneGoesWhenItIsEmpty) {
  resync(everything());
  const std::string old = generations().at(0);
  options.records = 1 << 13;
  open();
  resync(everything());
  EXPECT_THAT(generations(), testing::Not(testing::Contains(old))) << "no flow was left in it";
  EXPECT_EQ(generations().size(), 1U);
  EXPECT_EQ(used("frontends"), 11U);
}

TEST_F(EbpfKernel, ADrainedDatapathIsGoneWhenItHasNothing) {
  resync(everything());
  open();
  const auto gone = datapath->drain(everything());
  ASSERT_TRUE(gone) << gone.error().doing;
  EXPECT_TRUE(*gone);
  EXPECT_FALSE(fs::exists(options.pin_directory));
}

TEST_F(EbpfKernel, TenThousandServicesFitIntoTheDefaultsAnd128MiB) {
  ebpf::Options sizes;
  sizes.pin_directory = options.pin_directory;
  sizes.cgroup = options.cgroup;
  sizes.report = options.report;
  options = sizes;
  open();
  std::vector<ServicePlan> plans;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const auto high = static_cast<std::uint8_t>(i / 256), low = static_cast<std::uint8_t>(i % 256);
    std::vector<Backend> backends;
    for (std::uint8_t b = 1; b <= 10; ++b)
      backends.push_back({.address = ip_from_v4({10, high, low, b}), .port = {8080}});
    plans.push_back(service(fmt::format("s{}", i), Protocol::kTcp, Family::kIpv4,
                            {cluster_ip(ip_from_v4({10, 96, high, low}), 80),
                             node_port(Family::kIpv4, static_cast<std::uint16_t>(30000 + i))},
                            std::move(backends)));
  }
  const Plan plan = plan_of(settings(), std::move(plans));
  resync(plan_of(settings(), {}));
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  resync(plan);
  const double cpu_ms = static_cast<double>(std::clock() - cpu) * 1000 / CLOCKS_PER_SEC;
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  std::printf("10,000 Services of 10 backends with NodePorts: %.0f ms, %.0f ms of CPU\n",
              took.count(), cpu_ms);
  expect_nothing_written(resync(plan));
  open();
  expect_nothing_written(resync(plan));
  EXPECT_THAT(reports, testing::IsEmpty());
  const auto figures = datapath->figures();
  ASSERT_TRUE(figures);
  std::uint64_t bytes = 0;
  for (const TableFigure& table : figures->tables) bytes += table.bytes;
  EXPECT_LE(bytes, 128ULL << 20);
  std::printf("%.1f MiB of kernel memory\n", static_cast<double>(bytes) / (1 << 20));
}

TEST_F(EbpfKernel, PodsLinksOfOursHaveFiltersBesideOthersLinks) {
  node->run([&] {
    const auto object = ebpf::load(ebpf::sizes_of(options, 1 << 30), {}, [](auto&) { return -1; });
    ASSERT_TRUE(object) << object.error().doing;
    node->ip("link add fl-0123456789ab type veth peer name pod");
    const ebpf::PinPaths paths{options.pin_directory, options.pin_directory + "/abi0-test/links"};
    const auto priority = ebpf::filter_priority(options.pin_directory, "abi0-test");
    ASSERT_TRUE(priority) << priority.error().doing;
    ebpf::Attachments attachments(*object, paths,
                                  {.tcx = probe_bpf().value().tcx,
                                   .priority = *priority,
                                   .skip_interfaces = {"lo", "pod"},
                                   .report = {}});
    const auto links = read_network_links();
    ASSERT_TRUE(links);
    const auto written = attachments.attach_to_links(*links, kAll);
    ASSERT_TRUE(written) << written.error().doing;
    EXPECT_EQ(*written, 6U) << "three interfaces, both ways";
    for (const char* way : {"ingress", "egress"})
      EXPECT_THAT(node->output_of(std::string("tc filter show dev fl-0123456789ab ") + way),
                  HasSubstr("fairlead_tc_"));
    node->sh("tc filter del dev fl-0123456789ab ingress");
    EXPECT_FALSE(attachments.has_all_filters());
    EXPECT_EQ(attachments.attach_to_links(*links, kNew).value_or(9), 0U) << "nothing is new";
    EXPECT_EQ(attachments.attach_to_links(*links, kAll).value_or(0), 1U);
    node->ip("link del fl-0123456789ab");
    node->ip("link add fl-0123456789ab type veth peer name pod");
    EXPECT_EQ(attachments.attach_to_links(read_network_links().value(), kNew).value_or(0), 2U);
    EXPECT_TRUE(ebpf::detach_all(paths));
    EXPECT_TRUE(ebpf::remove_own_clsact(paths));
    node->ip("link del fl-0123456789ab");
  });
}

TEST_F(EbpfKernel, WithoutTcxFiltersOfClsactDoAndLeaveNothing) {
  node->run([&] {
    const auto object = ebpf::load(ebpf::sizes_of(options, 1 << 30), {}, [](auto&) { return -1; });
    ASSERT_TRUE(object) << object.error().doing;
    const ebpf::PinPaths paths{options.pin_directory, options.pin_directory + "/abi0-test/links"};
    const auto priority = ebpf::filter_priority(options.pin_directory, "abi0-test");
    ASSERT_TRUE(priority) << priority.error().doing;
    EXPECT_EQ(ebpf::filter_priority(options.pin_directory, "abi0-later").value(), *priority + 1)
        << "a later generation's filters run behind";
    ebpf::Attachments attachments(
        *object, paths,
        {.tcx = false, .priority = *priority, .skip_interfaces = {"lo"}, .report = {}});
    const auto links = read_network_links();
    ASSERT_TRUE(links);
    EXPECT_EQ(attachments.attach_to_links(*links, kAll).value_or(0), 4U)
        << "two interfaces, both ways";
    EXPECT_TRUE(attachments.has_all_filters());
    EXPECT_EQ(attachments.attach_to_links(*links, kAll).value_or(9), 0U);
    auto monitor = FilterMonitor::open();
    ASSERT_TRUE(monitor) << monitor.error().doing;
    node->sh("tc qdisc replace dev eth0 root pfifo");
    EXPECT_EQ(monitor->drain(), false) << "no business of ours";
    EXPECT_THAT(node->output_of("tc filter show dev eth0 ingress"), HasSubstr("fairlead_tc_ing"));
    node->sh("tc filter del dev eth0 ingress");
    EXPECT_EQ(monitor->drain(), true);
    EXPECT_FALSE(attachments.has_all_filters());
    EXPECT_EQ(attachments.attach_to_links(*links, kAll).value_or(0), 1U);
    EXPECT_EQ(monitor->drain(), false) << "what we write is no news";
    EXPECT_TRUE(attachments.has_all_filters());
    node->sh("tc qdisc del dev eth0 clsact");
    EXPECT_EQ(monitor->drain(), true);
    EXPECT_EQ(attachments.attach_to_links(*links, kAll).value_or(0), 2U);
    EXPECT_TRUE(ebpf::detach_all(paths));
    EXPECT_TRUE(ebpf::remove_own_clsact(paths));
    EXPECT_THAT(node->output_of("tc qdisc show"), testing::Not(HasSubstr("clsact")));
  });
}

TEST_F(EbpfKernel, EachTraceTellsOfItsOwnPacketAlone) {
  resync(everything());
  const auto traced = [&](const char* destination, std::uint16_t port) {
    auto trace = datapath->trace({.source = parse_ip("198.51.100.7").value(),
                                  .destination = parse_ip(destination).value(),
                                  .source_port = {40000},
                                  .destination_port = {port},
                                  .protocol = Protocol::kTcp});
    EXPECT_TRUE(trace && *trace) << (trace ? "no trace" : trace.error().doing);
    return trace && *trace ? **trace : Trace{};
  };
  const Trace served = traced("10.96.0.1", 80);
  EXPECT_TRUE(served.backend);
  EXPECT_THAT(served.decisions, testing::Contains(HasSubstr("a frontend of block")));
  const Trace refused = traced("10.96.0.1", 81);
  EXPECT_FALSE(refused.backend);
  EXPECT_THAT(refused.decisions, testing::ElementsAre(HasSubstr("on a port that it has not")));
  EXPECT_THAT(traced("203.0.113.9", 80).decisions,
              testing::ElementsAre(HasSubstr("neither a frontend nor a flow")));
}

TEST_F(EbpfKernel, CleanupSucceedsWhereThereIsNothing) {
  EXPECT_TRUE(datapath->cleanup());
  EXPECT_TRUE(datapath->drain(everything()).value_or(false));
}

TEST_F(EbpfKernel, WhatIsMissingIsSaidByName) {
  node->run([&] {
    ebpf::Options wrong = options;
    wrong.pin_directory = "/tmp/fairlead-is-not-here";
    const auto refused = ebpf::make_datapath(wrong);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().doing,
                testing::AllOf(HasSubstr("/tmp/fairlead-is-not-here"), HasSubstr("bpffs")));
  });
}

}  // namespace
}  // namespace fairlead::test
