// What a scrape shows after known events.
#include "agent/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cluster_events.hpp"
#include "tests/unit/agent/fakes.hpp"

namespace fairlead {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const BuildInfo kBuild{.version = "1.2.3", .commit = "abc"};

TEST(Metrics, TheDatapathsCountersGoOnWhereTheyBeginAgain) {
  Metrics metrics(kBuild);
  const auto show = [&](std::uint64_t drops) {
    metrics.set_figures({.tables = {{.name = "flows4", .used = 3, .capacity = 8, .bytes = 512}},
                         .counters = {{.name = "drops", .reason = "policy", .value = drops}}});
    return metrics.text();
  };
  const std::string line = "fairlead_datapath_events_total{event=\"drops\",reason=\"policy\"} ";
  EXPECT_THAT(show(5), HasSubstr(line + "5"));
  EXPECT_THAT(show(7), HasSubstr(line + "7"));
  EXPECT_THAT(show(2), HasSubstr(line + "9")) << "made anew, and counted 2 since";
  EXPECT_THAT(metrics.text(), HasSubstr("fairlead_table_entries{table=\"flows4\"} 3"));
  EXPECT_THAT(metrics.text(), HasSubstr("fairlead_table_capacity{table=\"flows4\"} 8"));
  EXPECT_THAT(metrics.text(), HasSubstr("fairlead_table_bytes{table=\"flows4\"} 512"));
}

TEST(Metrics, SyncsAreCountedUnderKubeProxysNames) {
  Metrics metrics(kBuild);
  const Job full{.resync = ResyncReason::kStart, .services = {}};
  const Job partial{.resync = ResyncReason::kNone, .services = {{"ns", "web"}}};
  const Time at{std::chrono::seconds(1'790'000'000)};
  metrics.sync_queued(at);
  metrics.sync_finished(full, SyncReport{.elements_added = 7}, std::chrono::milliseconds(5), at);
  metrics.sync_finished(partial, SyncReport{.elements_removed = 2}, std::chrono::microseconds(500),
                        at);
  metrics.sync_finished(partial, system_error(ENOSPC, "send"), std::chrono::milliseconds(1), at);
  const std::string text = metrics.text();
  for (const auto* line : {
           "kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 3",
           "kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv6\"} 3",
           "kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 1",
           "kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 2",
           "kubeproxy_sync_partial_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0."
           "001\"}",
           "kubeproxy_sync_partial_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"16."
           "384\"}",
           "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 1790000000",
           "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv4\"} "
           "1790000000",
           "fairlead_resyncs_total{reason=\"start\"} 1",
           "fairlead_sync_failures_total 1",
           "fairlead_elements_total{operation=\"add\"} 7",
           "fairlead_elements_total{operation=\"remove\"} 2",
           "fairlead_build_info{commit=\"abc\",version=\"1.2.3\"} 1",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Metrics, ShowTheProcess) {
  const std::string text = Metrics(kBuild).text();
  for (const auto* name : {"process_resident_memory_bytes ", "process_virtual_memory_bytes ",
                           "process_cpu_seconds_total ", "process_start_time_seconds ",
                           "process_open_fds ", "process_max_fds "}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
    EXPECT_THAT(text, Not(HasSubstr(std::string("\n") + name + "0\n"))) << name;
  }
}

TEST(Metrics, CountWhatIsProgrammed) {
  PlanOptions options;
  options.node = "node1";
  Planner planner(options);
  planner.set_service(service("a", "10.96.0.1"));
  planner.set_slice(slice_of("a", {"10.244.1.1", "10.244.2.1"}, "node1"));
  planner.set_service(service("b", "10.96.0.2"));
  Service headless = service("c", "10.96.0.3");
  headless.cluster_ips.clear();
  planner.set_service(headless);
  planner.update();
  Metrics metrics(kBuild);
  metrics.set_plan(planner);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("\nfairlead_services 2\n"));
  EXPECT_THAT(text, HasSubstr("\nfairlead_frontends 2\n"));
  EXPECT_THAT(text, HasSubstr("\nfairlead_backends 2\n"));
  EXPECT_THAT(text, HasSubstr("kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="
                              "\"IPv4\",traffic_policy=\"external\"} 0"));
}

TEST(Metrics, AWatchHasOneState) {
  Metrics metrics(kBuild);
  client::ResourceStatus status;
  status.state = client::ResourceStatus::State::kListing;
  metrics.set_watch(client::Resource::kServices, status);
  status.state = client::ResourceStatus::State::kWatching;
  status.events = 5;
  metrics.set_watch(client::Resource::kServices, status);
  status.events = 7;
  metrics.set_watch(client::Resource::kServices, status);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("fairlead_watch_events_total{resource=\"services\"} 7"));
  std::size_t ones = 0;
  for (auto at = text.find("fairlead_watch_state{"); at != std::string::npos;
       at = text.find("fairlead_watch_state{", at + 1)) {
    if (text[text.find('}', at) + 2] == '1') ++ones;
  }
  EXPECT_EQ(ones, 1U);
}

TEST(TriggerTimes, WaitUntilAJobCoversThem) {
  const Time first{std::chrono::seconds(1)};
  const Time second{std::chrono::seconds(2)};
  TriggerTimes times;
  times.add(first);
  times.job_started();
  times.add(second);
  EXPECT_THAT(times.job_done(false), ::testing::IsEmpty());
  times.job_started();
  EXPECT_THAT(times.job_done(true), ::testing::ElementsAre(first, second));
  times.job_started();
  EXPECT_THAT(times.job_done(true), ::testing::IsEmpty());
}

}  // namespace
}  // namespace fairlead
