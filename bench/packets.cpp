// What the packet path costs a packet, by BPF_PROG_RUN: nanoseconds of CPU time, less those of an
// empty program that is run the same way just before.
//
//   packets [JSON-FILE [SERVICES...]] [--katran OBJECT]
//
//   Services, by default 10 to 100,000 -> flows are opened -> rounds of all cases in turn -> median
//   and quartiles
//
// No figure without proof: after each run the programs' own counters and the verdict must say that
// every packet took the way that the case is named after (packet_cases.hpp). The strawman is what
// the machine can do with the kernel's own tables (strawman.h), and what that consists of
// (primitives.h). With --katran the same is measured of katran, built by the caller (katran.hpp).
#include <fmt/format.h>
#include <fmt/os.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "bench/measure.hpp"
#include "bench/packet_cases.hpp"
#include "bench/pins.hpp"

namespace fairlead {
namespace {

using namespace bench;
constexpr std::size_t kRounds = 9;

/// Nanoseconds.
struct Figure {
  double median = 0, low = 0, high = 0, floor = 0;
};
struct Figures {
  std::array<std::array<Figure, kCases.size()>, kPlaces.size()> cases;
  std::array<Figure, kPrimitives.size()> primitives;
};
/// Rounds of one thing: net nanoseconds, and those of the empty program.
struct Samples {
  std::vector<double> net, floor;
  void add(double ns, double empty) {
    net.push_back(ns - empty);
    floor.push_back(empty);
  }
  [[nodiscard]] Figure figure() const {
    if (net.empty()) return {};
    return {percentile(net, 0.5), percentile(net, 0.25), percentile(net, 0.75),
            percentile(floor, 0.5)};
  }
};

/// katran's are the last ones.
std::span<const Place> places_with(const std::string& katran) {
  if (!katran.empty()) return kPlaces;
  return std::span(kPlaces).first(
      static_cast<std::size_t>(std::ranges::find_if(kPlaces, is_katran) - kPlaces.begin()));
}

Figures measure(std::uint32_t services, const std::string& katran) {
  enter_own_namespace();
  const int wire = make_wire();
  Measurement measurement(wire, services, fmt::format("/sys/fs/bpf/bench-{}", services), katran);
  const auto places = places_with(katran);
  std::array<std::array<Samples, kCases.size()>, kPlaces.size()> cases;
  std::array<Samples, kPrimitives.size()> primitives;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t place = 0; place < places.size(); ++place)
      for (std::size_t one = 0; one < kCases.size(); ++one) {
        if (!applies(places[place], kCases[one])) continue;
        const auto [ns, floor] = measurement.measure(places[place], kCases[one]);
        cases[place][one].add(ns, floor);
      }
    for (std::size_t one = 0; one < kPrimitives.size(); ++one) {
      const auto [ns, floor] = measurement.measure(kPrimitives[one]);
      primitives[one].add(ns, floor);
    }
  }
  Figures figures;
  for (std::size_t place = 0; place < kPlaces.size(); ++place)
    std::ranges::transform(cases[place], figures.cases[place].begin(), &Samples::figure);
  std::ranges::transform(primitives, figures.primitives.begin(), &Samples::figure);
  return figures;
}

std::string json_row(std::uint32_t services, const char* place, const char* one,
                     const Figure& figure) {
  return fmt::format(
      R"({{"services":{},"place":"{}","case":"{}","ns":{:.1f},"low":{:.1f},"high":{:.1f},)"
      R"("floor":{:.1f}}})",
      services, place, one, figure.median, figure.low, figure.high, figure.floor);
}

std::string json_of(std::uint32_t services, std::span<const Place> places, const Figures& figures) {
  std::vector<std::string> rows;
  for (std::size_t place = 0; place < places.size(); ++place)
    for (std::size_t one = 0; one < kCases.size(); ++one)
      if (applies(places[place], kCases[one]))
        rows.push_back(
            json_row(services, places[place].name, kCases[one].name, figures.cases[place][one]));
  for (std::size_t one = 0; one < kPrimitives.size(); ++one)
    rows.push_back(
        json_row(services, "the machine", kPrimitives[one].name, figures.primitives[one]));
  return fmt::format("{}", fmt::join(rows, ",\n"));
}

void print_header(std::uint32_t services, const char* place) {
  fmt::print("{:>32} {:>8} {:>8} {:>18}\n", fmt::format("{} Services, {}", services, place),
             "empty", "net", "quartiles");
}
void print_row(const char* name, const Figure& figure) {
  fmt::print("{:>32} {:>8.1f} {:>8.1f} {:>18}\n", name, figure.floor, figure.median,
             fmt::format("{:.1f} to {:.1f}", figure.low, figure.high));
}

void print(std::uint32_t services, std::span<const Place> places, const Figures& figures) {
  for (std::size_t place = 0; place < places.size(); ++place) {
    print_header(services, places[place].name);
    for (std::size_t one = 0; one < kCases.size(); ++one) {
      if (applies(places[place], kCases[one]))
        print_row(kCases[one].name, figures.cases[place][one]);
      else
        fmt::print("{:>32} {:>8} {:>8} {:>18}\n", kCases[one].name, "-", "-", "-");
    }
  }
  print_header(services, "the machine");
  for (std::size_t one = 0; one < kPrimitives.size(); ++one)
    print_row(kPrimitives[one].name, figures.primitives[one]);
  std::fflush(stdout);
}

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  using namespace fairlead;
  CLI::App app("What the packet path costs a packet");
  std::string file, katran;
  std::vector<std::uint32_t> numbers{10, 1000, 10000, 100000};
  app.add_option("file", file, "gets the figures as JSON");
  app.add_option("services", numbers, "how many, one table each");
  app.add_option("--katran", katran, "balancer.bpf.o, to be measured beside ours")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  enter_own_bpffs();
  std::string json;
  for (const std::uint32_t services : numbers) {
    const Figures figures = in_child([&] { return measure(services, katran); });
    print(services, places_with(katran), figures);
    json += (json.empty() ? "" : ",\n") + json_of(services, places_with(katran), figures);
  }
  if (!file.empty()) fmt::output_file(file).print("[{}]\n", json);
  return 0;
}
