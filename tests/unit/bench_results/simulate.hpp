// Results as a bench would have them, of noise that is known: each round is slow or fast as a
// whole, each sample by itself, and (if asked for) each world of each run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/results/results.hpp"

namespace fairlead::bench {

struct Simulation {
  std::uint64_t seed = 1;
  std::size_t rounds = 15;
  std::size_t subjects = 12;
  std::vector<std::string> ways{kDirect, kDirectAgain, "ebpf", "kube-proxy nftables"};
  double round_noise = 0.10;  // standard deviations of logarithms
  double sample_noise = 0.03;
  double world_noise = 0;
  /// What the way of that name has of the direct one's figure in subjects 0 to `changed` - 1.
  std::string changed_way = "ebpf";
  std::size_t changed = 0;
  double change = 1;
};
Results simulate(const Simulation& simulation);

}  // namespace fairlead::bench
