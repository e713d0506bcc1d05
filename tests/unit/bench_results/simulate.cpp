#include "simulate.hpp"

#include <cmath>
#include <random>

namespace fairlead::bench {

Results simulate(const Simulation& simulation) {
  std::mt19937_64 random(simulation.seed);
  std::normal_distribution<double> normal;
  const auto noise = [&](double deviation) { return std::exp(deviation * normal(random)); };
  Results results;
  results.setting = {.commit = "0123456789ab",
                     .version = "0.1.0",
                     .started = "2026-11-21T18:00:00Z",
                     .kernel = "6.1.0",
                     .cpu = "a processor",
                     .host = "node-1",
                     .cores = 2,
                     .memory_bytes = 8ULL << 30,
                     .mitigations = {},
                     .command = "fairlead bench"};
  for (std::size_t i = 0; i < simulation.subjects; ++i) {
    const Subject subject{.part = "paths",
                          .test = "test " + std::to_string(i),
                          .traffic = "connections",
                          .figure = "a second of CPU",
                          .unit = "1/s",
                          .better = Better::kMore,
                          .services = 10,
                          .endpoints = 3};
    std::vector<double> rounds;
    for (std::size_t round = 0; round < simulation.rounds; ++round) {
      rounds.push_back(40000 * noise(simulation.round_noise));
    }
    for (const std::string& way : simulation.ways) {
      double world = noise(simulation.world_noise);
      if (way == simulation.changed_way && i < simulation.changed) world *= simulation.change;
      Series series{subject, way, {}};
      for (const double round : rounds) {
        series.samples.push_back(round * world * noise(simulation.sample_noise));
      }
      results.series.push_back(std::move(series));
    }
  }
  return results;
}

}  // namespace fairlead::bench
