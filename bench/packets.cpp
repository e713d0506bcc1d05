// What the packet path costs a packet, by BPF_PROG_RUN: nanoseconds of CPU time, less those of an
// empty program that is run the same way just before. `packets [JSON-FILE [SERVICES...]]`
//
//   Services, by default 10 to 100,000 -> flows are opened by SYN and SYN-ACK -> rounds of all
//   cases in turn -> median and quartiles
//
// No figure without proof: after each run the programs' own counters and the verdict must say that
// every packet took the way that the case is named after. The strawman is what the machine can do
// with the kernel's own tables (strawman.h), and what that consists of (primitives.h).
#include <fmt/format.h>
#include <fmt/os.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "bench/measure.hpp"
#include "bench/pins.hpp"
#include "bench/strawman.hpp"
#include "bench/subject.hpp"

namespace fairlead {
namespace {

using namespace bench;
/// Of IPv6 a quarter of what the table has place for by default.
constexpr std::uint32_t flows_of(Family family) {
  return family == Family::kIpv4 ? REPLAY_VARIANTS : REPLAY_VARIANTS / 2;
}
constexpr std::size_t kRounds = 9;

enum class Packets : std::uint8_t {
  kForeign,
  kForeignInTurn,
  kHot,
  kInTurn,
  kReply,
  kReplyInTurn,
  kNew
};

struct Case {
  const char* name;
  Packets packets;
  std::uint32_t times;  // 0: as many as there are flows
};
constexpr std::uint32_t times_of(const Case& one, Family family) {
  return one.times != 0 ? one.times : flows_of(family);
}
/// Sixteen rounds of all flows: that a flow asks for its route once a second is then felt as it is
/// on a busy node, and not in half of all packets.
constexpr std::uint32_t kInTurnTimes = 16 * REPLAY_VARIANTS;
constexpr std::array kCases{
    Case{"not ours, one", Packets::kForeign, 1U << 17},
    Case{"not ours, many in turn", Packets::kForeignInTurn, kInTurnTimes},
    Case{"established, one flow", Packets::kHot, 1U << 17},
    Case{"established, many in turn", Packets::kInTurn, kInTurnTimes},
    Case{"reply, one flow", Packets::kReply, 1U << 17},
    Case{"reply, many in turn", Packets::kReplyInTurn, kInTurnTimes},
    Case{"new flow", Packets::kNew, 0},
};
/// Programs of bench/primitives.h.
struct Primitive {
  const char *name, *program;
};
constexpr std::array kPrimitives{
    Primitive{"one of 65,536 lines of 32 MiB", "line_xdp"},
    Primitive{"a hash look-up, hot", "hash_xdp"},
    Primitive{"the same and bpf_fib_lookup", "route_xdp"},
};
enum class Who : std::uint8_t { kSubject, kStrawman };
struct Place {
  const char* name;
  Who who;
  Hook hook;
  Family family;
};
constexpr std::array kPlaces{
    Place{"XDP, IPv4", Who::kSubject, Hook::kXdp, Family::kIpv4},
    Place{"XDP, IPv6", Who::kSubject, Hook::kXdp, Family::kIpv6},
    Place{"tc ingress, IPv4", Who::kSubject, Hook::kTc, Family::kIpv4},
    Place{"tc ingress, IPv6", Who::kSubject, Hook::kTc, Family::kIpv6},
    Place{"strawman, XDP, IPv4", Who::kStrawman, Hook::kXdp, Family::kIpv4}};

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
    return {percentile(net, 0.5), percentile(net, 0.25), percentile(net, 0.75),
            percentile(floor, 0.5)};
  }
};

/// Flows of one family, as their packets arrive.
struct Flows {
  std::vector<Tuple> requests, replies, foreign;
};

class Measurement {
 public:
  Measurement(int wire, std::uint32_t services, const std::string& directory)
      : replay_(wire),
        subject_(services, directory),
        strawman_(replay_.object(), services, flows_of(Family::kIpv4)) {
    open_flows(Who::kSubject, Family::kIpv4);
    open_flows(Who::kSubject, Family::kIpv6);
    open_flows(Who::kStrawman, Family::kIpv4);
  }

  /// Nanoseconds a packet with nothing subtracted, and of the empty program.
  std::pair<double, double> measure(const Place& place, const Case& one) {
    Balancer& who = balancer(place.who);
    const double floor = run(place, one, replay_.empty_program(place.hook)).ns;
    if (one.packets == Packets::kNew) who.forget_flows(place.family);
    const Work before = who.work();
    const Run done = run(place, one, who.program(place.hook));
    prove(place, one, before, done.verdict);
    if (one.packets == Packets::kNew) who.recall_flows(place.family);
    return {done.ns, floor};
  }

  /// As measure(), with the packets of the strawman's flows.
  std::pair<double, double> measure(const Primitive& primitive) {
    const auto& tuples = flows(Who::kStrawman, Family::kIpv4).requests;
    const auto run = [&](int program) {
      return replay_.in_turn(Hook::kXdp, program, tuples, kAck, kInTurnTimes);
    };
    const double floor = run(replay_.empty_program(Hook::kXdp)).ns;
    const Run done = run(replay_.object().program_fd(primitive.program));
    if (done.verdict != XDP_TX)
      fail(fmt::format("{}: verdict {}", primitive.program, done.verdict));
    return {done.ns, floor};
  }

 private:
  Balancer& balancer(Who who) {
    return who == Who::kSubject ? static_cast<Balancer&>(subject_) : strawman_;
  }
  Flows& flows(Who who, Family family) {
    return flows_[static_cast<std::size_t>(who)][static_cast<std::size_t>(family)];
  }

  /// Fails unless every packet has been forwarded, or none where none is ours.
  void prove(const Place& place, const Case& one, const Work& before, std::uint32_t verdict) {
    const Work after = balancer(place.who).work();
    const Work done{after.forwarded - before.forwarded, after.created - before.created,
                    after.other - before.other};
    const bool foreign = one.packets == Packets::kForeign || one.packets == Packets::kForeignInTurn;
    const std::uint32_t times = times_of(one, place.family);
    const Work expected{foreign ? 0 : times, one.packets == Packets::kNew ? times : 0, 0};
    const int right = place.hook == Hook::kXdp ? (foreign ? int{XDP_PASS} : int{XDP_TX})
                                               : (foreign ? TC_ACT_UNSPEC : TC_ACT_REDIRECT);
    if (done != expected || verdict != static_cast<std::uint32_t>(right))
      fail(
          fmt::format("{}, {}: of {} packets {} were forwarded, {} made a flow, {} something else; "
                      "verdict {}{}",
                      place.name, one.name, times, done.forwarded, done.created, done.other,
                      verdict, balancer(place.who).details()));
  }

  Run run(const Place& place, const Case& one, int program) {
    const Flows& known = flows(place.who, place.family);
    const std::uint32_t times = times_of(one, place.family);
    const auto first = [](const std::vector<Tuple>& all) { return std::vector<Tuple>{all[0]}; };
    const auto in_turn = [&](const std::vector<Tuple>& tuples, std::uint8_t flags) {
      return replay_.in_turn(place.hook, program, tuples, flags, times);
    };
    switch (one.packets) {
      case Packets::kForeign:
        return replay_.same(place.hook, program, tcp_frame(known.foreign[0], kAck), times);
      case Packets::kForeignInTurn:
        return in_turn(known.foreign, kAck);
      case Packets::kHot:
        return in_turn(first(known.requests), kAck);
      case Packets::kInTurn:
        return in_turn(known.requests, kAck);
      case Packets::kReply:
        return in_turn(first(known.replies), kAck);
      case Packets::kReplyInTurn:
        return in_turn(known.replies, kAck);
      case Packets::kNew:
        return in_turn(known.requests, kSyn);
    }
    fail("no such packets");
  }

  /// Each flow's SYN through the program says what its replies look like; SYN and ACK back make it
  /// established.
  void open_flows(Who who, Family family) {
    Flows& known = flows(who, family);
    Balancer& program = balancer(who);
    const auto pass = [&](const Tuple& tuple, std::uint8_t flags) {
      const Passed passed =
          replay_.once(Hook::kXdp, program.program(Hook::kXdp), tcp_frame(tuple, flags));
      if (passed.verdict != XDP_TX)
        fail(fmt::format("a flow from {} cannot be opened: verdict {}, after {} flows{}",
                         to_string(tuple.source, tuple.source_port), passed.verdict,
                         program.work().created, program.details()));
      return tuple_of(passed.frame);
    };
    for (std::uint32_t i = 0; i < flows_of(family); ++i) {
      const Tuple request{client_address(family, i), node_address(family), {40000}, kNodePort};
      const Tuple reply = reversed(pass(request, kSyn));
      pass(reply, kSyn | kAck);
      pass(request, kAck);
      known.requests.push_back(request);
      known.replies.push_back(reply);
      known.foreign.push_back(
          {client_address(family, i), client_address(family, i ^ 0xffff), {40000}, {443}});
    }
  }

  Replay replay_;
  Subject subject_;
  Strawman strawman_;
  std::array<std::array<Flows, 2>, 2> flows_;  // by Who and Family
};

Figures measure(std::uint32_t services) {
  enter_own_namespace();
  const int wire = make_wire();
  Measurement measurement(wire, services, fmt::format("/sys/fs/bpf/bench-{}", services));
  std::array<std::array<Samples, kCases.size()>, kPlaces.size()> cases;
  std::array<Samples, kPrimitives.size()> primitives;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t place = 0; place < kPlaces.size(); ++place)
      for (std::size_t one = 0; one < kCases.size(); ++one) {
        const auto [ns, floor] = measurement.measure(kPlaces[place], kCases[one]);
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

std::string json_of(std::uint32_t services, const Figures& figures) {
  std::vector<std::string> rows;
  for (std::size_t place = 0; place < kPlaces.size(); ++place)
    for (std::size_t one = 0; one < kCases.size(); ++one)
      rows.push_back(
          json_row(services, kPlaces[place].name, kCases[one].name, figures.cases[place][one]));
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

void print(std::uint32_t services, const Figures& figures) {
  for (std::size_t place = 0; place < kPlaces.size(); ++place) {
    print_header(services, kPlaces[place].name);
    for (std::size_t one = 0; one < kCases.size(); ++one)
      print_row(kCases[one].name, figures.cases[place][one]);
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
  std::vector<std::uint32_t> numbers;
  for (int i = 2; i < argc; ++i) numbers.push_back(static_cast<std::uint32_t>(std::stoul(argv[i])));
  if (numbers.empty()) numbers = {10, 1000, 10000, 100000};
  enter_own_bpffs();
  std::string json;
  for (const std::uint32_t services : numbers) {
    const Figures figures = in_child([&] { return measure(services); });
    print(services, figures);
    json += (json.empty() ? "" : ",\n") + json_of(services, figures);
  }
  if (argc > 1) fmt::output_file(argv[1]).print("[{}]\n", json);
  return 0;
}
