// Packets through the eBPF programs: for each number of Services in a process of its own, whose
// maps and programs end with it.
#include "bench/packets/packets.hpp"

#include <fmt/format.h>

#include "bench/parts/part.hpp"
#include "bench/results/json.hpp"
#include "bench/world/child.hpp"

namespace fairlead::bench {

Result<Results> measure_packets(const BenchOptions& options, const Progress& progress) {
  std::vector<std::uint32_t> sizes{10, 1000, 10000, 100000};
  if (options.quick) sizes = {1000};
  if (options.services_given) sizes = options.services;
  Results results;
  for (const std::uint32_t services : sizes) {
    const PacketsOptions what{.services = services,
                              .rounds = options.quick ? 3U : 9U,
                              .directory = fmt::format("{}/packets-{}", options.pins, services),
                              .katran = options.katran};
    TRY(Child child,
        start_text({.network_namespace = -1, .cgroup = {}, .cpu = options.cpu, .hurries = true},
                   [&]() -> Result<std::string> {
                     return to_json(measure_packets(what, [&](unsigned round) {
                       progress(fmt::format("packets: {} Services: round {} of {}", services, round,
                                            what.rounds));
                     }));
                   }));
    const auto text = child.output();
    if (!text) {
      results.not_measured.push_back(
          {"packets", fmt::format("{} Services", services), text.error().doing});
      continue;
    }
    TRY(Results more, results_from_json(*text));
    append(results, std::move(more));
  }
  return results;
}

}  // namespace fairlead::bench
