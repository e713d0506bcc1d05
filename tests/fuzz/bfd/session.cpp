// Any packets with any TTL, in any order with the other events, into a session and its
// demultiplexer: what is sent is well-formed, states change as RFC 5880 6.2 has it, and nothing
// happens before its time.
//
// Input: commands of one byte; what each needs follows it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "dataplane/bfd/demultiplexer.hpp"
#include "dataplane/bfd/session.hpp"

namespace fairlead::bfd::fuzz {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

class World {
 public:
  explicit World(ByteView input)
      : input_(input),
        own_(*demultiplexer_.add({.address = ip_from_v4({10, 0, 0, 1})})),
        session_(own_, {}, 1) {}

  void play() {
    while (!input_.empty()) {
      happen(byte());
      settle();
    }
  }

 private:
  std::uint8_t byte() {
    if (input_.empty()) return 0;
    const std::uint8_t first = input_.front();
    input_ = input_.subspan(1);
    return first;
  }
  ByteView some(std::size_t count) {
    const ByteView bytes = input_.first(std::min(count, input_.size()));
    input_ = input_.subspan(bytes.size());
    return bytes;
  }

  void happen(std::uint8_t command) {
    switch (command & 7) {
      case 0:
        return session_.start(now_, out_);
      case 1:
        return session_.stop(now_, out_);
      case 2:
        return hear(some(byte()), 255);
      case 3:
        return hear(some(kPacketSize), byte());
      case 4:
        return hear_packet(command);
      case 5:
        return session_.set_pace({.desired_min_tx = microseconds(1 + byte() * 10'000),
                                  .required_min_rx = microseconds(1 + byte() * 10'000),
                                  .multiplier = static_cast<std::uint8_t>(byte() | 1)},
                                 now_, out_);
      case 6:
        now_ += std::chrono::milliseconds(byte() * 10);
        return session_.timers_due(now_, out_);
      default:
        if (const auto next = session_.next_timer()) now_ = std::max(now_, *next);
        return session_.timers_due(now_, out_);
    }
  }

  /// One that passes the checks, of a state and with flags and intervals of the input's.
  void hear_packet(std::uint8_t command) {
    const std::uint8_t flags = byte();
    hear(encode({.diagnostic = static_cast<Diagnostic>(flags & 0x1f),
                 .state = static_cast<State>(command >> 6),
                 .poll = (flags & 0x80) != 0,
                 .final = (flags & 0x40) != 0,
                 .demand = (flags & 0x20) != 0,
                 .multiplier = static_cast<std::uint8_t>(byte() | 1),
                 .mine = {1},
                 .yours = own_,
                 .desired_min_tx = microseconds(byte() * 10'000),
                 .required_min_rx = microseconds(byte() * 10'000)}),
         255);
  }

  void hear(ByteView payload, std::uint8_t ttl) {
    const auto counted = [this] {
      std::uint64_t sum = session_.counters().received;
      for (const std::uint64_t refused : session_.counters().refused) sum += refused;
      return sum;
    };
    const auto before = counted();
    const auto found = demultiplexer_.find(payload, {.address = ip_from_v4({10, 0, 0, 1})});
    if (const auto packet = decode(payload)) {
      require(decode(encode(*packet)) == packet, "what decodes and is encoded decodes to the same");
      require(!found || *found == own_, "there is one session");
    } else {
      require(!found && found.error() == packet.error(), "what is damaged is for nobody");
    }
    session_.received(payload, ttl, now_, out_);
    require(counted() == before + 1, "each packet is counted once");
    require(ttl == 255 || out_.empty(), "nothing that came from afar counts");
  }

  void settle() {
    for (const Action& action : out_) check(action);
    require(out_.size() <= 4, "few actions an event");
    out_.clear();
    require(session_.state() == state_, "the state is what was said");
    const auto next = session_.next_timer();
    require(next || state_ == State::kAdminDown || session_.transmit_interval().count() == 0,
            "there is a way on");
    if (!next || *next <= now_) return;
    Actions none;
    session_.timers_due(now_, none);
    require(none.empty(), "nothing is done before its time");
  }

  void check(const Action& action) {
    if (const auto* send = std::get_if<Send>(&action)) {
      const auto packet = decode(send->packet);
      require(packet.has_value(), "what we send passes the checks");
      require(packet->mine == own_ && packet->state == state_, "we say what we are");
      require(!packet->poll || !packet->final, "never both");
      require(!packet->poll || state_ == State::kUp, "a poll is of a session that is up");
      return;
    }
    const auto& change = std::get<StateChanged>(action);
    require(change.from == state_ && change.to != state_, "a change is one");
    require(change.from != State::kAdminDown || change.to == State::kDown, "it begins with Down");
    require(change.to != State::kInit || change.from == State::kDown, "Init comes after Down");
    require(!is_failure(change) || change.from == State::kUp, "only what was up fails");
    state_ = change.to;
  }

  ByteView input_;
  Demultiplexer demultiplexer_{1};
  Discriminator own_;
  Session session_;
  State state_ = State::kAdminDown;
  TimePoint now_{};
  Actions out_;
};

}  // namespace
}  // namespace fairlead::bfd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::bfd::fuzz::World({data, size}).play();
  return 0;
}
