// How long the agent takes from a watch event to the kernel's acknowledgement, in a network
// namespace of its own.
//
//   JSON text -> JsonStream -> Feed -> ClusterEvents -> Planner, Reconciler -> ReconcileLoop ->
//   nftables -> kernel -> acknowledgement
//
// Everything is the agent's own but the connection to the API server. Events come one after the
// other, so that no two share a transaction: each replaces one endpoint of one Service.
#include <fmt/format.h>
#include <fmt/os.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "agent/cluster_events.hpp"
#include "agent/reconcile_loop.hpp"
#include "bench/support/measure.hpp"
#include "controlplane-client/feed.hpp"
#include "controlplane-client/json_stream.hpp"
#include "controlplane-client/object_meta.hpp"
#include "dataplane/nftables/datapath.hpp"

namespace fairlead {
namespace {

using namespace bench;
constexpr int kChanges = 4000;

struct Case {
  std::uint32_t services = 0;
  std::uint32_t endpoints = 0;
};

struct Row {
  Case measured;
  double p50_ms = 0, p99_ms = 0, max_ms = 0;
  double decode_p50_ms = 0;  // of it until the planner has the change
  double rss_mib = 0;
};

std::string address(std::uint32_t network, std::uint32_t number) {
  return fmt::format("{}.{}.{}.{}", network, number >> 16 & 0xff, number >> 8 & 0xff,
                     number & 0xff);
}

std::string service_event(std::uint32_t number) {
  return fmt::format(
      R"({{"type":"ADDED","object":{{"apiVersion":"v1","kind":"Service","metadata":{{)"
      R"("name":"service-{0}","namespace":"bench","uid":"0b2a4a0e-5f43-4c6f-9d53-{0:012}",)"
      R"("resourceVersion":"{0}","creationTimestamp":"2026-01-01T00:00:00Z"}},"spec":{{)"
      R"("type":"ClusterIP","clusterIP":"{1}","clusterIPs":["{1}"],"ipFamilies":["IPv4"],)"
      R"("ports":[{{"name":"http","protocol":"TCP","port":80,"targetPort":8080}}],)"
      R"("selector":{{"app":"service-{0}"}},"sessionAffinity":"None"}},)"
      R"("status":{{"loadBalancer":{{}}}}}}}})"
      "\n",
      number, address(11, number + 1));
}

/// As kube-controller-manager writes it, target references included.
std::string slice_event(std::uint32_t number, std::uint32_t endpoints, std::uint32_t first) {
  std::string list;
  for (std::uint32_t i = 0; i < endpoints; ++i) {
    list += fmt::format(
        R"({}{{"addresses":["{}"],"conditions":{{"ready":true,"serving":true,"terminating":false}},)"
        R"("nodeName":"node{}","zone":"zone-a","targetRef":{{"kind":"Pod","namespace":"bench",)"
        R"("name":"service-{}-6d4cf56db6-{}","uid":"9a2b4a0e-5f43-4c6f-9d53-{:012}"}}}})",
        i == 0 ? "" : ",", address(10, number * 16 + first + i), i, number, i, number * 16 + i);
  }
  return fmt::format(
      R"({{"type":"MODIFIED","object":{{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice",)"
      R"("metadata":{{"name":"service-{0}-abcde","namespace":"bench",)"
      R"("uid":"7c2a4a0e-5f43-4c6f-9d53-{0:012}","resourceVersion":"{0}",)"
      R"("creationTimestamp":"2026-01-01T00:00:00Z","labels":{{"app":"service-{0}",)"
      R"("endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io",)"
      R"("kubernetes.io/service-name":"service-{0}"}},"annotations":{{)"
      R"("endpoints.kubernetes.io/last-change-trigger-time":"2026-01-01T00:00:00Z"}}}},)"
      R"("addressType":"IPv4","ports":[{{"name":"http","protocol":"TCP","port":8080}}],)"
      R"("endpoints":[{1}]}}}})"
      "\n",
      number, list);
}

/// A watch's events into a Feed, as the Reflector gives them.
template <class Traits>
class Watch final : public client::JsonStreamSink {
 public:
  explicit Watch(client::ClusterSink& sink) : feed_(sink, "none", status_) {}

  void receive(std::string_view text) {
    if (const auto fed = stream_.feed(text); !fed) fail(fed.error().doing);
  }

 private:
  void value(const boost::json::value& event) override {
    const boost::json::value& object = client::member(event, "object");
    const auto name = client::object_name(object);
    if (!name) fail(name.error().doing);
    feed_.upsert(*name, object);
  }
  void member(std::string_view, const boost::json::value&) override {}
  void oversized(const ObjectName&, std::string_view why) override { fail(std::string(why)); }

  client::ResourceStatus status_;
  client::Feed<Traits> feed_;
  client::JsonStream stream_{client::JsonStream::Shape::kEvents, *this};
};

PlanOptions plan_options(std::string node) {
  PlanOptions options;
  options.node = std::move(node);
  return options;
}

/// NodeAgent without its ports and its connection.
class Agent {
 public:
  explicit Agent(std::unique_ptr<Datapath> datapath) : datapath_(std::move(datapath)) {
    boost::asio::co_spawn(io_, loop_.run(), boost::asio::detached);
    boost::asio::co_spawn(io_, loop_.watch_kernel(), boost::asio::detached);
  }
  ~Agent() {
    loop_.stop();
    io_.run();
  }
  Agent(Agent&&) = delete;

  Watch<client::ServiceTraits>& services() { return services_; }
  Watch<client::SliceTraits>& slices() { return slices_; }

  void listed() {
    for (const auto resource : client::kResources) events_.synced(resource);
    await_sync(0);
  }
  /// Runs until more syncs than `before` have succeeded.
  void await_sync(int before) {
    while (syncs_ == before) io_.run_one();
  }
  [[nodiscard]] int syncs() const { return syncs_; }
  /// What the kernel tells of the last change, and other work that is nobody's delay.
  void settle() { io_.poll(); }

 private:
  void finished(const SyncOutcome& outcome) {
    if (!outcome.result) fail(outcome.result.error().doing);
    trigger_times_.job_done(true);
    ++syncs_;
  }

  boost::asio::io_context io_{1};
  log::Logger log_{{.format = log::Format::kText, .level = log::Level::kError}};
  std::unique_ptr<Datapath> datapath_;
  Planner planner_{plan_options("node0")};
  Reconciler reconciler_{planner_, {}};
  Health health_{reconciler_, std::chrono::minutes(1)};
  Metrics metrics_{{}};
  Problems problems_{log_};
  TriggerTimes trigger_times_;
  int syncs_ = 0;
  ReconcileLoop loop_{io_,
                      reconciler_,
                      planner_,
                      *datapath_,
                      {.started = [this](const Job&) { trigger_times_.job_started(); },
                       .finished = [this](const SyncOutcome& outcome) { finished(outcome); },
                       .monitored =
                           [](const Result<bool>& foreign) {
                             if (!foreign || *foreign) fail("a foreign change");
                           }}};
  ClusterEvents events_{{.own_node = "",
                         .planner = planner_,
                         .reconciler = reconciler_,
                         .health = health_,
                         .metrics = metrics_,
                         .problems = problems_,
                         .trigger_times = trigger_times_,
                         .node_changed = [](const Node*) {},
                         .wake = [this] { loop_.wake(); }}};
  Watch<client::ServiceTraits> services_{events_};
  Watch<client::SliceTraits> slices_{events_};
};

Row measure(const Case& measured) {
  enter_own_namespace();
  auto datapath = nftables::make_datapath();
  if (!datapath) fail(datapath.error().doing);
  Agent agent(*std::move(datapath));
  for (std::uint32_t i = 0; i < measured.services; ++i) {
    agent.services().receive(service_event(i));
    agent.slices().receive(slice_event(i, measured.endpoints, 0));
  }
  agent.listed();

  std::vector<double> all, decoding;
  const std::uint32_t pool = std::min(measured.services, 100U);
  for (std::uint32_t i = 0; i < kChanges; ++i) {
    agent.settle();
    // A Service that comes round again changes back.
    const std::string text =
        slice_event(i % pool * (measured.services / pool), measured.endpoints, 1 + i / pool % 2);
    const int before = agent.syncs();
    const auto start = Clock::now();
    agent.slices().receive(text);
    decoding.push_back(milliseconds_since(start));
    agent.await_sync(before);
    all.push_back(milliseconds_since(start));
  }
  return {.measured = measured,
          .p50_ms = percentile(all, 0.5),
          .p99_ms = percentile(all, 0.99),
          .max_ms = percentile(all, 1),
          .decode_p50_ms = percentile(decoding, 0.5),
          .rss_mib = status_mib("VmRSS")};
}

std::string json_of(const Row& row) {
  return fmt::format(
      R"({{"services":{},"endpoints":{},"p50_ms":{:.3f},"p99_ms":{:.3f},"max_ms":{:.3f},)"
      R"("decode_p50_ms":{:.3f},"rss_mib":{:.1f}}})",
      row.measured.services, row.measured.endpoints, row.p50_ms, row.p99_ms, row.max_ms,
      row.decode_p50_ms, row.rss_mib);
}

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  using namespace fairlead;
  fmt::print("{:>16} {:>32} {:>14} {:>9}\n", "Services x ends", "event to kernel p50/p99/max ms",
             "decoding p50", "RSS MiB");
  std::string json;
  for (const Case& measured : {Case{10, 3}, Case{10000, 3}, Case{10000, 10}}) {
    const Row row = in_child([&] { return measure(measured); });
    fmt::print("{:>16} {:>32} {:>14.3f} {:>9.1f}\n",
               fmt::format("{} x {}", row.measured.services, row.measured.endpoints),
               fmt::format("{:.3f} / {:.3f} / {:.3f}", row.p50_ms, row.p99_ms, row.max_ms),
               row.decode_p50_ms, row.rss_mib);
    std::fflush(stdout);
    json += (json.empty() ? "" : ",\n") + json_of(row);
  }
  if (argc > 1) fmt::output_file(argv[1]).print("[{}]\n", json);
  return 0;
}
