// Events of the agent -> prometheus-cpp's registry -> text.
//
// kube-proxy has one proxier a family and labels what they do with ip_family; here one transaction
// writes both families, so both labels get the same observation.
#include "agent/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <iterator>
#include <set>
#include <sstream>

#include "agent/process_metrics.hpp"
#include "dataplane/plan/host_ports.hpp"

namespace fairlead {
namespace {

constexpr std::array kFamilies{"IPv4", "IPv6"};

double unix_seconds(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}
double number(std::size_t count) { return static_cast<double>(count); }

/// kube-proxy: ExponentialBuckets(0.001, 2, 15).
prometheus::Histogram::BucketBoundaries sync_buckets() {
  prometheus::Histogram::BucketBoundaries buckets;
  for (int i = 0; i < 15; ++i) buckets.push_back(0.001 * (1 << i));
  return buckets;
}

/// kube-proxy's: 0.25, 0.5, each second to a minute, each 5 s to 2 minutes, each 30 s to 5 minutes.
prometheus::Histogram::BucketBoundaries programming_buckets() {
  prometheus::Histogram::BucketBoundaries buckets{0, 0.25, 0.5};
  for (int i = 1; i < 60; ++i) buckets.push_back(i);
  for (int i = 60; i < 120; i += 5) buckets.push_back(i);
  for (int i = 120; i <= 300; i += 30) buckets.push_back(i);
  return buckets;
}

}  // namespace

PlanSize measure(const Plan& plan) {
  PlanSize size;
  for (const auto& [name, ports] : plan.services) {
    if (!ports.empty() && !is_host_ports_name(name)) ++size.services;
    for (const ServicePlan& port : ports) {
      size.frontends += port.frontends.size();
      size.backends += port.cluster_backends.size();
      // A local backend that the cluster's choice has too is one backend.
      for (const Backend& backend : port.local_backends) {
        if (!std::binary_search(port.cluster_backends.begin(), port.cluster_backends.end(),
                                backend))
          ++size.backends;
      }
    }
  }
  return size;
}

prometheus::Gauge& Metrics::gauge(const char* name, const char* help,
                                  const prometheus::Labels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
}

prometheus::Counter& Metrics::counter(const char* name, const char* help,
                                      const prometheus::Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
}

Metrics::ByFamily Metrics::histogram(const char* name, const char* help,
                                     const prometheus::Histogram::BucketBoundaries& buckets) {
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry_);
  return {&family.Add({{"ip_family", "IPv4"}}, buckets),
          &family.Add({{"ip_family", "IPv6"}}, buckets)};
}

Metrics::Metrics(const BuildInfo& build)
    : service_changes(&counter("kubeproxy_sync_proxy_rules_service_changes_total",
                               "Cumulative proxy rules Service changes")),
      endpoint_changes(&counter("kubeproxy_sync_proxy_rules_endpoint_changes_total",
                                "Cumulative proxy rules Endpoint changes")),
      foreign_changes(&counter("fairlead_foreign_changes_total",
                               "How often others changed or removed what is the agent's")),
      problems(&gauge(
          "fairlead_problems",
          "Objects, or parts of them, that are left out because something is wrong with them")),
      sync_(histogram("kubeproxy_sync_proxy_rules_duration_seconds",
                      "SyncProxyRules latency in seconds", sync_buckets())),
      full_sync_(histogram("kubeproxy_sync_full_proxy_rules_duration_seconds",
                           "SyncProxyRules latency in seconds for full resyncs", sync_buckets())),
      partial_sync_(histogram("kubeproxy_sync_partial_proxy_rules_duration_seconds",
                              "SyncProxyRules latency in seconds for partial resyncs",
                              sync_buckets())),
      programming_(histogram("kubeproxy_network_programming_duration_seconds",
                             "In Cluster Network Programming Latency in seconds",
                             programming_buckets())) {
  gauge("fairlead_build_info", "Always 1; the version is in the labels",
        {{"version", build.version}, {"commit", build.commit}})
      .Set(1);
}

void Metrics::sync_queued(Time now) {
  for (const char* family : kFamilies) {
    gauge("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
          "The last time a sync of proxy rules was queued", {{"ip_family", family}})
        .Set(unix_seconds(now));
  }
}

void Metrics::sync_finished(const Job& job, const Result<SyncReport>& result,
                            std::chrono::duration<double> took, Time now) {
  const bool full = job.resync != ResyncReason::kNone;
  for (std::size_t i = 0; i < kFamilies.size(); ++i) {
    sync_[i]->Observe(took.count());
    (full ? full_sync_ : partial_sync_)[i]->Observe(took.count());
    if (result) {
      gauge("kubeproxy_sync_proxy_rules_last_timestamp_seconds",
            "The last time proxy rules were successfully synced", {{"ip_family", kFamilies[i]}})
          .Set(unix_seconds(now));
    }
  }
  if (full) {
    counter("fairlead_resyncs_total", "How often the kernel was read back and compared, by reason",
            {{"reason", std::string(to_string(job.resync))}})
        .Increment();
  }
  if (!result) {
    counter("fairlead_sync_failures_total", "Syncs that the kernel refused").Increment();
    return;
  }
  const char* elements = "fairlead_elements_total";
  const char* help = "Elements written to the kernel";
  counter(elements, help, {{"operation", "add"}}).Increment(number(result->elements_added));
  counter(elements, help, {{"operation", "remove"}}).Increment(number(result->elements_removed));
}

void Metrics::programmed(std::chrono::duration<double> since_trigger) {
  for (auto* family : programming_) family->Observe(std::max(0.0, since_trigger.count()));
}

void Metrics::answered_health(bool is_healthz, bool ok) {
  const char* name = is_healthz ? "kubeproxy_proxy_healthz_total" : "kubeproxy_proxy_livez_total";
  const char* help =
      is_healthz ? "Cumulative proxy healthz HTTP status" : "Cumulative proxy livez HTTP status";
  counter(name, help, {{"code", ok ? "200" : "503"}}).Increment();
}

void Metrics::set_plan(const Planner& planner) {
  const PlanSize size = measure(planner.plan());
  gauge("fairlead_services", "Services that are programmed").Set(number(size.services));
  gauge("fairlead_frontends", "Frontends (address, port and protocol) that are programmed")
      .Set(number(size.frontends));
  gauge("fairlead_backends",
        "Backends that are programmed, each counted in each Service port that uses it")
      .Set(number(size.backends));
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto missing = planner.no_local_endpoints(family);
    const char* label = family == Family::kIpv4 ? "IPv4" : "IPv6";
    const char* name = "kubeproxy_sync_proxy_rules_no_local_endpoints_total";
    const char* help = "Number of services with a Local traffic policy and no endpoints";
    gauge(name, help, {{"traffic_policy", "internal"}, {"ip_family", label}})
        .Set(number(missing.internal));
    gauge(name, help, {{"traffic_policy", "external"}, {"ip_family", label}})
        .Set(number(missing.external));
  }
}

void Metrics::set_pending(const Planner& planner, const Reconciler& reconciler) {
  // The planner does not say of which kind an event was that it has not looked at yet.
  const double waiting = number(reconciler.dirty()) + (planner.has_pending() ? 1 : 0);
  gauge("kubeproxy_sync_proxy_rules_service_changes_pending", "Pending proxy rules Service changes")
      .Set(waiting);
  gauge("fairlead_failures_in_a_row", "Syncs that failed since the last one that did not")
      .Set(reconciler.failures_in_a_row());
}

void Metrics::set_figures(const DatapathFigures& figures) {
  for (const TableFigure& table : figures.tables) {
    const prometheus::Labels labels{{"table", table.name}};
    gauge("fairlead_table_entries", "Entries in use of a table of the datapath", labels)
        .Set(static_cast<double>(table.used));
    gauge("fairlead_table_capacity", "Entries that a table of the datapath has place for", labels)
        .Set(static_cast<double>(table.capacity));
    gauge("fairlead_table_bytes", "Kernel memory of a table of the datapath", labels)
        .Set(static_cast<double>(table.bytes));
  }
  for (const CounterFigure& figure : figures.counters) {
    prometheus::Labels labels{{"event", figure.name}};
    if (!figure.reason.empty()) labels["reason"] = figure.reason;
    // It counts in the kernel; a datapath that was removed and made anew begins at 0 again.
    std::uint64_t& counted = counted_[{figure.name, figure.reason}];
    const std::uint64_t step = figure.value >= counted ? figure.value - counted : figure.value;
    counted = figure.value;
    counter("fairlead_datapath_events_total", "What the datapath did, since it was made", labels)
        .Increment(static_cast<double>(step));
  }
}

void Metrics::set_layer2(const Layer2Figures& figures) {
  gauge("fairlead_layer2_addresses", "Load balancer addresses that this node answers for")
      .Set(number(figures.held));
  const auto set_total = [&](const char* metric, const char* help, std::uint64_t total) {
    auto& one = counter(metric, help);
    const double step = static_cast<double>(total) - one.Value();
    if (step > 0) one.Increment(step);
  };
  set_total("fairlead_layer2_taken_total",
            "How often this node began to answer for a load balancer address", figures.taken);
  set_total("fairlead_layer2_conflicts_total",
            "How often another host was heard to have an address that is this node's",
            figures.conflicts);
}

void Metrics::set_watch(client::Resource resource, const client::ResourceStatus& status) {
  const std::string name(client::to_string(resource));
  using State = client::ResourceStatus::State;
  for (const State state :
       {State::kStopped, State::kConnecting, State::kListing, State::kWatching, State::kWaiting}) {
    gauge("fairlead_watch_state", "1 for the state that the watch is in",
          {{"resource", name}, {"state", std::string(client::to_string(state))}})
        .Set(state == status.state ? 1 : 0);
  }
  const auto set_total = [&](const char* metric, const char* help, std::uint64_t total) {
    auto& one = counter(metric, help, {{"resource", name}});
    one.Increment(static_cast<double>(total) - one.Value());
  };
  set_total("fairlead_watch_lists_total", "Lists that were completed", status.lists);
  set_total("fairlead_watch_watches_total", "Watches that were opened", status.watches);
  set_total("fairlead_watch_events_total", "Events of watches", status.events);
  set_total("fairlead_watch_errors_total", "Lists and watches that failed", status.errors);
  set_total("fairlead_watch_undecodable_total", "Objects that could not be used",
            status.undecodable);
  gauge("fairlead_watch_objects", "Objects that the API server has", {{"resource", name}})
      .Set(number(status.objects));
}

std::string Metrics::text() const {
  auto families = registry_.Collect();
  std::ranges::move(process_metrics(), std::back_inserter(families));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace fairlead
