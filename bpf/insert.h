// New entries of the flow tables: see abi/flows.h for the protocol.
//
//   look at every place of the key: a victim, or somebody who has the key
//   claim the victim (compare-and-swap), write it, publish it
//   look at all places again; if another claimed the same key meanwhile, give up our own
//
// Two writers of one key cannot both believe they are alone: each publishes before it looks. Of a
// reply's key both give up and take another. Of an original's the one stays that a look-up finds
// first, and the other's packet follows it.
#pragma once

#include "flow_state.h"

struct victim {
  __u64 control;
  __u32 place;
  __u32 found;
};

struct new_entry {
  struct tuple tuple;    // packets that arrive so
  struct tuple becomes;  // leave so
  __u8 protocol;
  __u8 state;   // enum fl_flow_state, of phase FL_FLOW_NEW
  __u8 yields;  // only to who is found first
  __u8 pad;
  __u64 replaces;        // `control` of the entry that knows of an earlier flow; 0: there is none
  struct victim victim;  // of insert_entry4(): whose place is taken
};

/// What insert_entry4() returns instead of the entry's place.
enum insert_failure { INSERT_TAKEN = -1, INSERT_FULL = -2, INSERT_RACE = -3 };

/// A finished TCP flow's place may be taken after this many ticks, however much of its time is
/// left.
#define FL_CLOSED_TICKS 2

static __always_inline bool translates_to(const void* entry, const struct tuple* becomes,
                                          const bool ipv6) {
  struct flow flow = {};
  read_entry(entry, ipv6, &flow);
  return flow.new_source_port == becomes->source_port &&
         flow.new_destination_port == becomes->destination_port &&
         same_address(&flow.new_source, &becomes->source, ipv6) &&
         same_address(&flow.new_destination, &becomes->destination, ipv6);
}

static __always_inline bool is_free(void* entry, __u64 control, __u32 place, const bool ipv6) {
  switch (phase_of(control)) {
    case FL_FLOW_EMPTY:
      return true;
    case FL_FLOW_BUSY:
      return false;
    case FL_FLOW_CLOSED:
      if (fl_stamp_age(*stamp_of(entry, ipv6), now_ticks()) >= FL_CLOSED_TICKS) return true;
  }
  return is_over(place, ipv6);
}

static __always_inline bool has_key(const void* entry, __u64 control, const struct new_entry* want,
                                    __u64 key, const bool ipv6) {
  return (control & FL_FLOW_KEY_MASK) == key && phase_of(control) >= FL_FLOW_NEW &&
         has_addresses(entry, &want->tuple, ipv6);
}

static __always_inline bool is_being_written(__u64 control, __u64 key) {
  // Its addresses are not known yet; the ports and the protocol are.
  return (control & FL_FLOW_KEY_MASK) == key && phase_of(control) == FL_FLOW_BUSY;
}

/// The higher decides. The bucket's marks stand beside it, as enum fl_flow_state.
enum worth { NO_VICTIM, VICTIM, SAME_FLOW, OTHER_FLOW, WORTH = 7 };

/// What `place` is to who wants to enter `want`.
static __always_inline int weigh(const struct new_entry* want, __u32 place, __u64 control,
                                 const bool ipv6) {
  void* entry = entry_at(place, ipv6);
  if (!entry) return NO_VICTIM;
  const __u64 key = key_of(&want->tuple, want->protocol);
  if (is_being_written(control, key)) return OTHER_FLOW;
  if (!has_key(entry, control, want, key, ipv6))
    return is_free(entry, control, place, ipv6) ? VICTIM : NO_VICTIM;
  if (!((control ^ want->replaces) & ~(0xffULL << FL_FLOW_STATE_SHIFT))) return SAME_FLOW;
  if (translates_to(entry, &want->becomes, ipv6)) return SAME_FLOW;
  return is_free(entry, control, place, ipv6) ? SAME_FLOW : OTHER_FLOW;
}
/// A bucket: the better of its ways, and its number. One number, so that the verifier sees one way
/// to go on and not one for each pair.
static __always_inline int weigh_bucket(struct new_entry* want, __u32 index, const bool ipv6) {
  struct victim* victim = &want->victim;
  void* bucket = bucket_at(index, ipv6);
  if (!bucket) return NO_VICTIM;
  const __u32 place = index * FL_FLOW_WAYS;
  const __u64 first = *control_of(bucket, ipv6);
  const __u64 second = *control_of(way_of(bucket, 1, ipv6), ipv6);
  const int first_worth = weigh(want, place, first, ipv6);
  const int second_worth = weigh(want, place + 1, second, ipv6);
  const bool is_second = second_worth > first_worth;
  const int worth = is_second ? second_worth : first_worth;
  if (worth == SAME_FLOW || (worth == VICTIM && !victim->found)) {
    victim->place = is_second ? place + 1 : place;
    victim->control = is_second ? second : first;
    victim->found = true;
  }
  return worth | (state_of(first) & (FL_FLOW_SPILLED | FL_FLOW_DOUBTED));
}
__noinline int weigh_bucket4(struct new_entry* want, __u32 index) {
  return want ? weigh_bucket(want, index, false) : NO_VICTIM;
}
__noinline int weigh_bucket6(struct new_entry* want, __u32 index) {
  return want ? weigh_bucket(want, index, true) : NO_VICTIM;
}

/// Marks the bucket as one that is gone past; the agent's doubt is no more.
static __always_inline bool mark_bucket(__u32 index, bool doubted, const bool ipv6) {
  void* bucket = bucket_at(index, ipv6);
  if (!bucket) return false;
  if (doubted)
    __sync_fetch_and_and(control_of(bucket, ipv6),
                         ~((__u64)FL_FLOW_DOUBTED << FL_FLOW_STATE_SHIFT));
  __sync_fetch_and_or(control_of(bucket, ipv6), (__u64)FL_FLOW_SPILLED << FL_FLOW_STATE_SHIFT);
  return true;
}

/// 0, or why there is no victim.
static __always_inline int find_victim(struct new_entry* want, __u64 hash, const bool ipv6) {
#pragma clang loop unroll(disable)
  for (__u32 probe = 0; probe < FL_FLOW_PROBES; ++probe) {
    const __u32 index = fl_flow_bucket(hash, probe, buckets_of(ipv6));
    const int answer = ipv6 ? weigh_bucket6(want, index) : weigh_bucket4(want, index);
    const int worth = answer & WORTH;
    if (worth == OTHER_FLOW) return INSERT_TAKEN;
    if (worth == SAME_FLOW) return 0;
    const bool marked = answer & FL_FLOW_SPILLED;
    if (!marked && want->victim.found) return 0;
    if (marked && !(answer & FL_FLOW_DOUBTED)) continue;
    if (!mark_bucket(index, marked, ipv6)) return INSERT_FULL;
  }
  return want->victim.found ? 0 : INSERT_FULL;
}

static __always_inline void write_entry(void* entry, const struct new_entry* want,
                                        const bool ipv6) {
  if (!ipv6) {
    struct fl_flow4* e = entry;
    e->source = want->tuple.source.word[3];
    e->destination = want->tuple.destination.word[3];
    e->new_source = want->becomes.source.word[3];
    e->new_destination = want->becomes.destination.word[3];
    e->new_source_port = want->becomes.source_port;
    e->new_destination_port = want->becomes.destination_port;
    e->stamp = fl_stamp(now_ticks(), 0);
    return;
  }
  struct fl_flow6* e = entry;
  __builtin_memcpy(e->source, &want->tuple.source, sizeof(e->source));
  __builtin_memcpy(e->destination, &want->tuple.destination, sizeof(e->destination));
  __builtin_memcpy(e->new_source, &want->becomes.source, sizeof(e->new_source));
  __builtin_memcpy(e->new_destination, &want->becomes.destination, sizeof(e->new_destination));
  e->new_source_port = want->becomes.source_port;
  e->new_destination_port = want->becomes.destination_port;
  e->stamp = fl_stamp(now_ticks(), 0);
}

/// Is the entry at `place` another flow's with our key?
static __always_inline bool contests(const struct new_entry* want, __u32 place, __u64 control,
                                     bool earlier, const bool ipv6) {
  const __u64 key = key_of(&want->tuple, want->protocol);
  if ((control & FL_FLOW_KEY_MASK) != key) return false;
  // Who writes further on looks here once it has published, and gives up.
  if (phase_of(control) == FL_FLOW_BUSY) return earlier;
  if (want->yields) {
    const void* entry = earlier ? entry_at(place, ipv6) : NULL;
    return entry && has_key(entry, control, want, key, ipv6);
  }
  return weigh(want, place, control, ipv6) == OTHER_FLOW;
}

enum { CONTESTED = 1, LOOK_FURTHER = 2 };

/// `earlier`: a look-up finds this bucket before that of our entry, at `own`.
static __always_inline int contest_bucket(const struct new_entry* want, __u32 index, __u32 own,
                                          bool earlier, const bool ipv6) {
  void* bucket = bucket_at(index, ipv6);
  if (!bucket) return 0;
  const __u32 place = index * FL_FLOW_WAYS;
  const __u64 first = *control_of(bucket, ipv6);
  const __u64 second = *control_of(way_of(bucket, 1, ipv6), ipv6);
  if (place != own && contests(want, place, first, earlier || own == place + 1, ipv6))
    return CONTESTED;
  if (place + 1 != own && contests(want, place + 1, second, earlier, ipv6)) return CONTESTED;
  return state_of(first) & FL_FLOW_SPILLED ? LOOK_FURTHER : 0;
}
__noinline int contest_bucket4(const struct new_entry* want, __u32 index, __u32 own, __u8 earlier) {
  return want ? contest_bucket(want, index, own, earlier, false) : 0;
}
__noinline int contest_bucket6(const struct new_entry* want, __u32 index, __u32 own, __u8 earlier) {
  return want ? contest_bucket(want, index, own, earlier, true) : 0;
}

/// Did another writer take the key as well? Of two, at least one finds the other.
static __always_inline bool is_contested(const struct new_entry* want, __u64 hash, __u32 own,
                                         const bool ipv6) {
  __u32 earlier = 1;
#pragma clang loop unroll(disable)
  for (__u32 probe = 0; probe < FL_FLOW_PROBES; ++probe) {
    const __u32 index = fl_flow_bucket(hash, probe, buckets_of(ipv6));
    if (index == own / FL_FLOW_WAYS) earlier = 0;
    const int answer = ipv6 ? contest_bucket6(want, index, own, earlier)
                            : contest_bucket4(want, index, own, earlier);
    if (answer != LOOK_FURTHER) return answer == CONTESTED;
  }
  return false;
}

/// Frees an entry of our own, whatever became of its state.
static __always_inline int remove_entry(__u32 place, const bool ipv6) {
  void* entry = entry_at(place, ipv6);
  if (!entry) return 0;
  const __u64 keep = ~((__u64)FL_FLOW_PHASE << FL_FLOW_STATE_SHIFT);
  __sync_fetch_and_and(control_of(entry, ipv6), keep);
  return 0;
}

/// As is_contested(), of an entry in the first bucket of its key that nobody goes past: only the
/// other way of it can have the key, and most often has not.
static __always_inline bool stands_alone(__u64 key, __u64 hash, __u32 own, const bool ipv6) {
  if (own / FL_FLOW_WAYS != fl_flow_bucket(hash, 0, buckets_of(ipv6))) return false;
  void* bucket = bucket_at(own / FL_FLOW_WAYS, ipv6);
  if (!bucket) return false;
  const __u64 first = *control_of(bucket, ipv6);
  const __u64 second = *control_of(way_of(bucket, 1, ipv6), ipv6);
  const __u64 other = own & 1 ? first : second;
  return !(state_of(first) & FL_FLOW_SPILLED) && (other & FL_FLOW_KEY_MASK) != key;
}

static __always_inline int insert_entry(struct new_entry* want, const bool ipv6) {
  const __u64 key = key_of(&want->tuple, want->protocol);
  const __u64 hash = fl_flow_hash(&want->tuple.source, &want->tuple.destination, key, ipv6);
  want->victim.found = 0;
  const int failure = find_victim(want, hash, ipv6);
  if (failure) return failure;
  void* entry = entry_at(want->victim.place, ipv6);
  if (!entry) return INSERT_FULL;
  const __u64 spilled = want->victim.control & (__u64)FL_FLOW_SPILLED << FL_FLOW_STATE_SHIFT;
  const __u64 version = (want->victim.control >> FL_FLOW_VERSION_SHIFT) + 1;
  const __u64 busy =
      key | spilled | (__u64)FL_FLOW_BUSY << FL_FLOW_STATE_SHIFT | version << FL_FLOW_VERSION_SHIFT;
  volatile __u64* control = control_of(entry, ipv6);
  if (__sync_val_compare_and_swap(control, want->victim.control, busy) != want->victim.control)
    return INSERT_RACE;
  write_entry(entry, want, ipv6);
  // From busy to published; keeps FL_FLOW_SPILLED, which others may set meanwhile.
  __sync_fetch_and_xor(control, (__u64)(FL_FLOW_BUSY ^ want->state) << FL_FLOW_STATE_SHIFT);
  if (!stands_alone(key, hash, want->victim.place, ipv6) &&
      is_contested(want, hash, want->victim.place, ipv6)) {
    remove_entry(want->victim.place, ipv6);
    return INSERT_TAKEN;
  }
  if (phase_of(want->victim.control) != FL_FLOW_EMPTY) count(FL_COUNT_FLOWS_REPLACED);
  return want->victim.place;
}

__noinline int insert_entry4(struct new_entry* want) {
  return want ? insert_entry(want, false) : INSERT_FULL;
}
__noinline int insert_entry6(struct new_entry* want) {
  return want ? insert_entry(want, true) : INSERT_FULL;
}
