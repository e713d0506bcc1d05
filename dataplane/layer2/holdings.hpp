// Which addresses this node answers for: what it should by its rank, what others say and do not
// say. No clock, no socket.
//
//   rank 1           answers at once, and takes the address back from whoever has it
//   rank 2, 3        asks whoever answers, and takes the address when nobody does
//   other ranks      leave it to those
//   has it, rank 2…  gives it up as soon as another says that it has it
//
// It does not ask whether a node lives, but whether somebody answers for the address: that is what
// clients need, and it is true of a node whose agent is dead.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "dataplane/kernel/route_batch.hpp"
#include "dataplane/layer2/frames.hpp"
#include "model/ip.hpp"

namespace fairlead::layer2 {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Times {
  using Duration = std::chrono::milliseconds;
  Duration ask{200};            // between two questions to the same host
  unsigned patience = 3;        // questions without an answer, for rank 2; twice that for rank 3
  unsigned watchers = 3;        // ranks from this one on do nothing
  std::size_t asked_once = 64;  // addresses without a sure holder that are asked for in one tick
  /// Announcements after an address was taken: after the first, so much later each.
  std::vector<Duration> announce_again{Duration(200), Duration(1'000), Duration(3'000)};
  Duration check_own{10'000};      // rank 1 looks whether another answers as well
  Duration check_borrowed{1'000};  // the others do
  Duration defend{1'000};          // at most one announcement against a rival in that time
  Duration linger{2'000};          // a node that may no longer answer waits so long for another
};

/// Where an address would be answered for, and the node's rank for it, from 1; 0: it may not.
struct Place {
  int link = 0;
  MacBytes mac{};  // the link's own
  std::size_t rank = 0;
  bool operator==(const Place&) const = default;
};

struct Action {
  enum class Kind : std::uint8_t {
    kHold,      // answer from now on, or again
    kRelease,   // do not
    kAnnounce,  // tell everybody
    kAsk,       // who has it?
    kProbe,     // the same without a sender, so that everybody hears the answer
  };
  Kind kind = Kind::kHold;
  Ip address;
  int link = 0;
  MacBytes mac{};                // of hold, announce, ask, probe: our own
  std::optional<MacBytes> to{};  // of ask: nullopt is everybody
  bool operator==(const Action&) const = default;
};

struct Holding {
  Place place;
  bool is_held = false;
  std::optional<MacBytes> other;  // who answers; who answers as well, if it is held
};

class Holdings {
 public:
  explicit Holdings(Times times = {}) : times_(std::move(times)) {}

  /// What an earlier agent left, before the first set_places().
  void adopt(const Ip& address, int link, const MacBytes& mac);
  /// All addresses that this node may be concerned with. Others are released at once.
  void set_places(const std::map<Ip, Place>& places, SteadyTime now);
  void hear(int link, const Heard& heard, SteadyTime now);
  /// Once each `Times::ask`, after everything that has arrived was heard.
  void tick(SteadyTime now);

  /// What to do since the last call, in this order.
  std::vector<Action> take_actions() { return std::exchange(actions_, {}); }

  [[nodiscard]] std::map<Ip, Holding> holdings() const;
  /// Times that an address was taken, and that another host answered for one of rank 1.
  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  [[nodiscard]] std::uint64_t conflicts() const { return conflicts_; }

 private:
  struct State {
    Place place;
    bool is_held = false;
    // Held:
    std::size_t announced = 0;  // again, so far
    SteadyTime taken_at{}, check_at{}, defend_at{};
    std::optional<SteadyTime> release_at;
    // Both:
    std::optional<MacBytes> other;
    unsigned unanswered = 0;
  };
  using States = std::map<Ip, State>;
  using Host = std::pair<int, MacBytes>;  // link, address there
  struct HostState {
    unsigned unanswered = 0;
    Ip last_asked;
  };

  void act(Action::Kind kind, const Ip& address, const State& state,
           std::optional<MacBytes> to = std::nullopt);
  void take(const Ip& address, State& state, SteadyTime now);
  void give_up(const Ip& address, State& state);
  void place(const Ip& address, State& state, const Place& place, SteadyTime now);
  void defend(const Ip& address, State& state, SteadyTime now);
  void keep(const Ip& address, State& state, SteadyTime now);
  [[nodiscard]] bool watches(const State& state) const;
  [[nodiscard]] bool has_waited(const State& state, unsigned unanswered) const;
  void watch_hosts(SteadyTime now);
  void ask_host(const Host& host, const std::vector<Ip>& addresses, SteadyTime now);
  void ask_for_doubtful(SteadyTime now);

  Times times_;
  States states_;
  std::map<Host, HostState> hosts_;
  std::set<Ip> asked_;  // in this tick
  Ip next_doubtful_;
  std::vector<Action> actions_;
  std::uint64_t taken_ = 0, conflicts_ = 0;
};

}  // namespace fairlead::layer2
