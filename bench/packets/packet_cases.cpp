// Flows -> packets -> BPF_PROG_RUN -> counters that must say what the case is named after.
#include "bench/packets/packet_cases.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <algorithm>
#include <random>

#include "bench/support/measure.hpp"

namespace fairlead::bench {
namespace {

constexpr KatranTable kKatranTable{1'000'000, false}, kSmallKatranTable{100'000, false},
    kFullKatranTable{1'000'000, true};

/// Of IPv6 a quarter of what the table has place for by default.
constexpr std::uint32_t flows_of(Family family) {
  return family == Family::kIpv4 ? REPLAY_VARIANTS : REPLAY_VARIANTS / 2;
}

constexpr std::uint32_t times_of(const Case& one, Family family) {
  return one.times != 0 ? one.times : flows_of(family);
}

constexpr bool is_foreign(const Case& one) {
  return one.packets == Packets::kForeign || one.packets == Packets::kForeignInTurn;
}

Tuple request_of(Family family, std::uint32_t client) {
  return {client_address(family, client), node_address(family), {40000}, kNodePort};
}
Tuple foreign_of(Family family, std::uint32_t client) {
  return {client_address(family, client), client_address(family, client ^ 0xffff), {40000}, {443}};
}

/// The same each time.
std::vector<Tuple> shuffled(std::vector<Tuple> tuples) {
  std::mt19937 random;
  std::ranges::shuffle(tuples, random);
  return tuples;
}

}  // namespace

Measurement::Measurement(int wire, std::uint32_t services, const std::string& directory,
                         const std::string& katran)
    : replay_(wire),
      own_(services, directory),
      strawman_(replay_.object(), services, flows_of(Family::kIpv4)) {
  open_flows(Who::kOwn, Family::kIpv4);
  open_flows(Who::kOwn, Family::kIpv6);
  open_flows(Who::kStrawman, Family::kIpv4);
  if (katran.empty()) return;
  katran_.emplace(katran, services, flows_of(Family::kIpv4), kKatranTable);
  small_katran_.emplace(katran, services, flows_of(Family::kIpv4), kSmallKatranTable);
  full_katran_.emplace(katran, services, flows_of(Family::kIpv4), kFullKatranTable);
  open_wrapped_flows(Who::kKatran);
  open_wrapped_flows(Who::kSmallKatran);
  open_wrapped_flows(Who::kFullKatran);
}

std::pair<double, double> Measurement::measure(const Place& place, const Case& one) {
  Balancer& who = balancer(place.who);
  who.wait_until_ready();
  const double floor = empty_run(place, one);
  if (one.packets == Packets::kNew) who.forget_flows(place.family);
  const Work before = who.work();
  const Run done = run(place, one, who.program(place.hook));
  prove(place, one, before, done.verdict);
  if (one.packets == Packets::kNew) who.recall_flows(place.family);
  return {done.ns, floor};
}

std::pair<double, double> Measurement::measure(const Primitive& primitive) {
  const auto& tuples = flows(Who::kStrawman, Family::kIpv4).requests;
  const auto run = [&](int program) {
    return replay_.in_turn(Hook::kXdp, program, tuples, kAck, kInTurnTimes);
  };
  const double floor = run(replay_.empty_program(Hook::kXdp)).ns;
  const Run done = run(replay_.object().program_fd(primitive.program));
  if (done.verdict != XDP_TX) fail(fmt::format("{}: verdict {}", primitive.program, done.verdict));
  return {done.ns, floor};
}

Balancer& Measurement::balancer(Who who) {
  switch (who) {
    case Who::kOwn:
      return own_;
    case Who::kStrawman:
      return strawman_;
    case Who::kKatran:
      return katran_.value();
    case Who::kSmallKatran:
      return small_katran_.value();
    case Who::kFullKatran:
      return full_katran_.value();
  }
  fail("no such balancer");
}

Flows& Measurement::flows(Who who, Family family) {
  return flows_[static_cast<std::size_t>(who)][static_cast<std::size_t>(family)];
}

/// Fails unless every packet has been forwarded, or none where none is ours.
void Measurement::prove(const Place& place, const Case& one, const Work& before,
                        std::uint32_t verdict) {
  const Work after = balancer(place.who).work();
  const Work done{after.forwarded - before.forwarded, after.created - before.created,
                  after.other - before.other};
  const bool foreign = is_foreign(one);
  const std::uint32_t times = times_of(one, place.family);
  const Work expected{foreign ? 0 : times, one.packets == Packets::kNew ? times : 0, 0};
  const int right = place.hook == Hook::kTc ? (foreign ? TC_ACT_UNSPEC : TC_ACT_REDIRECT)
                                            : (foreign ? int{XDP_PASS} : int{XDP_TX});
  if (done != expected || verdict != static_cast<std::uint32_t>(right))
    fail(
        fmt::format("{}, {}: of {} packets {} were forwarded, {} made a flow, {} something else; "
                    "verdict {}{}",
                    place.name, one.name, times, done.forwarded, done.created, done.other, verdict,
                    balancer(place.who).details()));
}

Run Measurement::run(const Place& place, const Case& one, int program) {
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
    case Packets::kShuffled:
      return in_turn(shuffled(known.requests), kAck);
    case Packets::kReply:
      return in_turn(first(known.replies), kAck);
    case Packets::kReplyInTurn:
      return in_turn(known.replies, kAck);
    case Packets::kNew:
      return in_turn(known.requests, kSyn);
  }
  fail("no such packets");
}

/// Of a packet that is encapsulated, taking that off is what measures and not what is measured, and
/// putting it on is: of a program that does nothing else the mean with one that does nothing.
double Measurement::empty_run(const Place& place, const Case& one) {
  const double empty = run(place, one, replay_.empty_program(place.hook)).ns;
  if (place.hook != Hook::kXdpUnwrapped || is_foreign(one)) return empty;
  return (empty + run(place, one, replay_.wrapping_program()).ns) / 2;
}

/// Each flow's SYN through the program says what its replies look like; SYN and ACK back make it
/// established.
void Measurement::open_flows(Who who, Family family) {
  Flows& known = flows(who, family);
  for (std::uint32_t i = 0; i < flows_of(family); ++i) {
    const Tuple request = request_of(family, i);
    const Tuple reply = reversed(tuple_of(pass(who, request, kSyn).frame));
    pass(who, reply, kSyn | kAck);
    pass(who, request, kAck);
    known.requests.push_back(request);
    known.replies.push_back(reply);
    known.foreign.push_back(foreign_of(family, i));
  }
}

/// For a program that encapsulates, and sees no replies.
void Measurement::open_wrapped_flows(Who who) {
  Flows& known = flows(who, Family::kIpv4);
  for (std::uint32_t i = 0; i < flows_of(Family::kIpv4); ++i) {
    const Tuple request = request_of(Family::kIpv4, i);
    if (wrapped_tuple_of(pass(who, request, kSyn).frame) != request)
      fail(fmt::format("a packet from {} has not been encapsulated",
                       to_string(request.source, request.source_port)));
    known.requests.push_back(request);
    known.foreign.push_back(foreign_of(Family::kIpv4, i));
  }
}

Passed Measurement::pass(Who who, const Tuple& tuple, std::uint8_t flags) {
  Balancer& program = balancer(who);
  Passed passed = replay_.once(Hook::kXdp, program.program(Hook::kXdp), tcp_frame(tuple, flags));
  if (passed.verdict != XDP_TX)
    fail(fmt::format("a flow from {} cannot be opened: verdict {}, after {} flows{}",
                     to_string(tuple.source, tuple.source_port), passed.verdict,
                     program.work().created, program.details()));
  return passed;
}

}  // namespace fairlead::bench
