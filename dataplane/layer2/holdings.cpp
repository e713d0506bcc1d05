// places -> taken or given up by rank; heard -> given up, defended, or somebody answers;
// tick -> questions, and what comes of those without an answer.
#include "dataplane/layer2/holdings.hpp"

#include <algorithm>

namespace fairlead::layer2 {

void Holdings::act(Action::Kind kind, const Ip& address, const State& state,
                   std::optional<MacBytes> to) {
  actions_.push_back({kind, address, state.place.link, state.place.mac, to});
}

void Holdings::take(const Ip& address, State& state, SteadyTime now) {
  state.is_held = true;
  state.announced = 0;
  state.taken_at = now;
  state.check_at = now + times_.check_borrowed;
  state.defend_at = now + times_.defend;
  state.unanswered = 0;
  state.other.reset();
  state.release_at.reset();
  ++taken_;
  act(Action::Kind::kHold, address, state);
  act(Action::Kind::kAnnounce, address, state);
}

void Holdings::give_up(const Ip& address, State& state) {
  state.is_held = false;
  state.unanswered = 0;
  state.release_at.reset();
  act(Action::Kind::kRelease, address, state);
}

void Holdings::adopt(const Ip& address, int link, const MacBytes& mac) {
  State& state = states_[address];
  state.place = {link, mac, 0};
  state.is_held = true;
  state.announced = times_.announce_again.size();
}

void Holdings::place(const Ip& address, State& state, const Place& place, SteadyTime now) {
  const bool has_moved = state.place.link != place.link || state.place.mac != place.mac;
  if (has_moved) {
    if (state.is_held) give_up(address, state);
    state.other.reset();
  }
  state.place = place;
  if (place.rank == 1 && !state.is_held) take(address, state, now);
  if (place.rank != 0)
    state.release_at.reset();
  else if (state.is_held && !state.release_at)
    state.release_at = now + times_.linger;
}

void Holdings::set_places(const std::map<Ip, Place>& places, SteadyTime now) {
  for (auto entry = states_.begin(); entry != states_.end();) {
    auto& [address, state] = *entry;
    if (places.contains(address)) {
      ++entry;
      continue;
    }
    if (state.is_held) give_up(address, state);
    entry = states_.erase(entry);
  }
  for (const auto& [address, wanted] : places) place(address, states_[address], wanted, now);
}

/// Another answers for an address that is ours by rank. Ours is written again because the program
/// may have ceded it; everybody is told, but not in a storm.
void Holdings::defend(const Ip& address, State& state, SteadyTime now) {
  ++conflicts_;
  act(Action::Kind::kHold, address, state);
  if (now < state.defend_at) return;
  state.defend_at = now + times_.defend;
  act(Action::Kind::kAnnounce, address, state);
}

void Holdings::hear(int link, const Heard& heard, SteadyTime now) {
  const auto found = states_.find(heard.address);
  if (found == states_.end() || found->second.place.link != link) return;
  State& state = found->second;
  if (heard.sender == state.place.mac) return;
  state.other = heard.sender;
  state.unanswered = 0;
  hosts_[{link, heard.sender}].unanswered = 0;
  if (!state.is_held) return;
  if (state.place.rank == 1)
    defend(heard.address, state, now);
  else
    give_up(heard.address, state);
}

bool Holdings::watches(const State& state) const {
  return !state.is_held && state.place.rank >= 2 && state.place.rank <= times_.watchers;
}

bool Holdings::has_waited(const State& state, unsigned unanswered) const {
  return unanswered >= times_.patience * (state.place.rank - 1);
}

/// What is held: announced again, looked after, released.
void Holdings::keep(const Ip& address, State& state, SteadyTime now) {
  if (state.release_at && now >= *state.release_at) return give_up(address, state);
  if (state.announced < times_.announce_again.size() &&
      now >= state.taken_at + times_.announce_again[state.announced]) {
    ++state.announced;
    act(Action::Kind::kAnnounce, address, state);
  }
  if (now < state.check_at) return;
  const bool is_own = state.place.rank == 1;
  state.check_at = now + (is_own ? times_.check_own : times_.check_borrowed);
  state.other.reset();
  act(is_own ? Action::Kind::kAsk : Action::Kind::kProbe, address, state);
}

/// One question for one of the host's addresses, in turn. Without answers all of them are taken.
void Holdings::ask_host(const Host& host, const std::vector<Ip>& addresses, SteadyTime now) {
  HostState& known = hosts_[host];
  for (const Ip& address : addresses)
    if (State& state = states_.at(address); has_waited(state, known.unanswered))
      take(address, state, now);
  const auto after = std::ranges::upper_bound(addresses, known.last_asked);
  const Ip& address = after == addresses.end() ? addresses.front() : *after;
  State& state = states_.at(address);
  if (state.is_held) return;
  known.last_asked = address;
  ++known.unanswered;
  ++state.unanswered;
  asked_.insert(address);
  act(Action::Kind::kAsk, address, state, host.second);
}

void Holdings::watch_hosts(SteadyTime now) {
  std::map<Host, std::vector<Ip>> watched;
  for (const auto& [address, state] : states_)
    if (watches(state) && state.other) watched[{state.place.link, *state.other}].push_back(address);
  std::erase_if(hosts_, [&](const auto& host) { return !watched.contains(host.first); });
  for (const auto& [host, addresses] : watched) ask_host(host, addresses, now);
}

/// Addresses that nobody is known to answer for, or whose holder did not answer for them though it
/// may for others. A part of them each time, in turn.
void Holdings::ask_for_doubtful(SteadyTime now) {
  std::vector<Ip> doubtful;
  for (auto& [address, state] : states_)
    if (watches(state) && !asked_.contains(address) && (!state.other || state.unanswered > 0))
      doubtful.push_back(address);
  std::ranges::rotate(doubtful, std::ranges::lower_bound(doubtful, next_doubtful_));
  if (doubtful.size() > times_.asked_once) {
    next_doubtful_ = doubtful[times_.asked_once];
    doubtful.resize(times_.asked_once);
  }
  for (const Ip& address : doubtful) {
    State& state = states_.at(address);
    if (has_waited(state, state.unanswered)) {
      take(address, state, now);
      continue;
    }
    ++state.unanswered;
    act(Action::Kind::kAsk, address, state, state.other);
  }
}

void Holdings::tick(SteadyTime now) {
  asked_.clear();
  for (auto& [address, state] : states_)
    if (state.is_held) keep(address, state, now);
  watch_hosts(now);
  ask_for_doubtful(now);
}

std::map<Ip, Holding> Holdings::holdings() const {
  std::map<Ip, Holding> all;
  for (const auto& [address, state] : states_)
    all.emplace(address, Holding{state.place, state.is_held, state.other});
  return all;
}

}  // namespace fairlead::layer2
