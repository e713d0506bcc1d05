// How long a datapath takes to program Services, in a network namespace of its own:
// `programming nftables|ebpf [JSON-FILE]`.
//
// Each row runs in a child process, so that memory is that of one case: plans -> resync of an empty
// kernel -> resync again (reads all back, writes nothing) -> single changes of one Service, each
// from plan to the kernel's acknowledgement. A child writes its row into a pipe; the parent prints
// a table and a JSON file.
#include <fmt/format.h>
#include <fmt/os.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/support/datapaths.hpp"
#include "bench/support/measure.hpp"
#include "bench/support/pins.hpp"
#include "bench/support/services.hpp"

namespace fairlead {
namespace {

using namespace bench;
constexpr int kChanges = 2000;

struct Case {
  std::uint32_t services = 0;
  std::uint32_t endpoints = 0;
};

struct Row {
  Case measured;
  double load_ms = 0, read_back_ms = 0;
  double change_p50_ms = 0, change_p99_ms = 0;  // an endpoint is replaced
  double scale_p50_ms = 0, scale_p99_ms = 0;    // an endpoint more, an endpoint fewer
  double rss_mib = 0, peak_mib = 0;
  double maps_mib = 0;  // kernel memory of all maps
};

double timed_apply(Datapath& datapath, const ServicePlan& wanted) {
  const ServicePlans plans{wanted};
  const ServiceChange change{wanted.name.service, &plans};
  const auto start = Clock::now();
  if (const auto report = datapath.apply({&change, 1}); !report) fail(report.error().doing);
  return milliseconds_since(start);
}

double mib_of_maps(const DatapathChoice& choice) {
  if (choice.name != "ebpf") return 0;
  double bytes = 0;
  for (const PinnedMap& map : pinned_maps(choice.pin_directory))
    bytes += static_cast<double>(map.bytes);
  return bytes / (1 << 20);
}

Row measure(const std::string& name, const Case& measured) {
  enter_own_namespace();
  const OwnCgroup cgroup;
  const DatapathChoice choice{
      .name = name, .pin_directory = "/sys/fs/bpf/bench", .cgroup = cgroup.path()};
  if (name == "ebpf") enter_own_bpffs();
  auto datapath = make_datapath(choice);
  Row row{.measured = measured};
  {
    const Plan plan = plan_of(measured.services, measured.endpoints);
    auto start = Clock::now();
    if (const auto report = datapath->resync(plan); !report) fail(report.error().doing);
    row.load_ms = milliseconds_since(start);
    datapath.reset();
    datapath = make_datapath(choice);  // as a restarted agent, which knows nothing
    start = Clock::now();
    const auto again = datapath->resync(plan);
    if (!again) fail(again.error().doing);
    if (again->transactions != 0) fail("the second resync wrote");
    row.read_back_ms = milliseconds_since(start);
  }
  std::vector<double> changes, scales;
  const std::uint32_t pool =
      std::min(measured.services, 100U);  // one Service comes round again, and changes back
  for (std::uint32_t i = 0; i < kChanges; ++i) {
    const std::uint32_t number = i % pool * (measured.services / pool), first = 1 + i / pool % 2;
    changes.push_back(
        timed_apply(*datapath, cluster_ip_service(number, measured.endpoints, first)));
    scales.push_back(
        timed_apply(*datapath, cluster_ip_service(number, measured.endpoints + 1, first)));
    scales.push_back(timed_apply(*datapath, cluster_ip_service(number, measured.endpoints, first)));
  }
  row.change_p50_ms = percentile(changes, 0.5);
  row.change_p99_ms = percentile(changes, 0.99);
  row.scale_p50_ms = percentile(scales, 0.5);
  row.scale_p99_ms = percentile(scales, 0.99);
  row.maps_mib = mib_of_maps(choice);
  row.rss_mib = status_mib("VmRSS");
  row.peak_mib = status_mib("VmHWM");
  return row;
}

std::string json_of(const Row& row) {
  return fmt::format(
      R"({{"services":{},"endpoints":{},"load_ms":{:.1f},"read_back_ms":{:.1f},"change_p50_ms":{:.3f},"change_p99_ms":{:.3f},)"
      R"("scale_p50_ms":{:.3f},"scale_p99_ms":{:.3f},"rss_mib":{:.1f},"peak_mib":{:.1f},"maps_mib":{:.1f}}})",
      row.measured.services, row.measured.endpoints, row.load_ms, row.read_back_ms,
      row.change_p50_ms, row.change_p99_ms, row.scale_p50_ms, row.scale_p99_ms, row.rss_mib,
      row.peak_mib, row.maps_mib);
}

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  using namespace fairlead;
  const std::string name = argc > 1 ? argv[1] : "nftables";
  fmt::print("{:>16} {:>9} {:>10} {:>19} {:>19} {:>9} {:>9} {:>9}\n", name + ", S x ends",
             "load ms", "read back", "change p50/p99 ms", "scale p50/p99 ms", "RSS MiB", "peak MiB",
             "maps MiB");
  std::string json;
  for (const Case& measured : {Case{10, 3}, Case{1000, 3}, Case{10000, 3}, Case{10000, 10},
                               Case{44000, 1}, Case{5000, 50}}) {
    const Row row = in_child([&] { return measure(name, measured); });
    fmt::print("{:>16} {:>9.1f} {:>10.1f} {:>19} {:>19} {:>9.1f} {:>9.1f} {:>9.1f}\n",
               fmt::format("{} x {}", row.measured.services, row.measured.endpoints), row.load_ms,
               row.read_back_ms,
               fmt::format("{:.3f} / {:.3f}", row.change_p50_ms, row.change_p99_ms),
               fmt::format("{:.3f} / {:.3f}", row.scale_p50_ms, row.scale_p99_ms), row.rss_mib,
               row.peak_mib, row.maps_mib);
    std::fflush(stdout);
    json += (json.empty() ? "" : ",\n") + json_of(row);
  }
  if (argc > 2) fmt::output_file(argv[2]).print("[{}]\n", json);
  return 0;
}
