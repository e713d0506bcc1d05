// Rounds of places and cases -> Series.
#include "bench/packets/packets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include "bench/packets/packet_cases.hpp"
#include "bench/support/measure.hpp"

namespace fairlead::bench {
namespace {

/// katran's are the last ones.
std::span<const Place> places_with(const std::string& katran) {
  if (!katran.empty()) return kPlaces;
  return std::span(kPlaces).first(
      static_cast<std::size_t>(std::ranges::find_if(kPlaces, is_katran) - kPlaces.begin()));
}

class Rounds {
 public:
  explicit Rounds(std::uint32_t services) : services_(services) {}

  void add(const char* way, const char* what, std::pair<double, double> sample) {
    const auto [ns, empty] = sample;
    series(way, what, "above an empty program").samples.push_back(ns - empty);
    series(way, what, "of the empty program").samples.push_back(empty);
  }
  Results take() { return std::move(results_); }

 private:
  Series& series(const char* way, const char* what, const char* figure) {
    const auto [at, is_new] = index_.try_emplace({way, what, figure}, results_.series.size());
    if (is_new)
      results_.series.push_back(
          {{"packets", "BPF_PROG_RUN", what, figure, "ns", Better::kLess, services_, 0}, way, {}});
    return results_.series[at->second];
  }

  std::uint32_t services_;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> index_;
  Results results_;
};

}  // namespace

Results measure_packets(const PacketsOptions& options,
                        const std::function<void(unsigned round)>& progress) {
  enter_own_namespace();
  const int wire = make_wire();
  Measurement measurement(wire, options.services, options.directory, options.katran);
  Rounds rounds(options.services);
  for (unsigned round = 0; round < options.rounds; ++round) {
    progress(round + 1);
    for (const Place& place : places_with(options.katran))
      for (const Case& one : kCases)
        if (applies(place, one)) rounds.add(place.name, one.name, measurement.measure(place, one));
    for (const Primitive& primitive : kPrimitives)
      rounds.add("this machine", primitive.name, measurement.measure(primitive));
  }
  return rounds.take();
}

}  // namespace fairlead::bench
