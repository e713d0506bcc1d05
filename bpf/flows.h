// Look-up in the flow tables: see abi/flows.h for layout and protocol.
//
// look_up_flow4() is a function of its own: the verifier sees it once, and not once for each place
// where it may end.
#pragma once

#include "packet.h"

/// A copy of an entry.
struct flow {
  struct fl_address new_source, new_destination;
  __be16 new_source_port, new_destination_port;
  __u8 state;     // enum fl_flow_state
  __u32 stamp;    // ticks
  __u32 place;    // bucket * FL_FLOW_WAYS + way
  __u64 control;  // as it was read
};

static __always_inline __u64 key_of(const struct tuple* tuple, __u8 protocol) {
  return fl_flow_key(tuple->source_port, tuple->destination_port, protocol);
}
static __always_inline __u8 state_of(__u64 control) { return control >> FL_FLOW_STATE_SHIFT; }
static __always_inline __u8 phase_of(__u64 control) { return state_of(control) & FL_FLOW_PHASE; }

static __always_inline bool is_published(__u64 control, __u64 key) {
  return (control & FL_FLOW_KEY_MASK) == key && phase_of(control) >= FL_FLOW_NEW;
}

/// Both ways of a bucket; NULL never happens, but the verifier does not know.
static __always_inline void* bucket_at(__u32 bucket, const bool ipv6) {
  return bpf_map_lookup_elem(ipv6 ? (void*)&flows6 : (void*)&flows4, &bucket);
}
static __always_inline void* way_of(void* bucket, __u32 way, const bool ipv6) {
  return bucket + way * (ipv6 ? sizeof(struct fl_flow6) : sizeof(struct fl_flow4));
}
static __always_inline void* entry_at(__u32 place, const bool ipv6) {
  void* bucket = bucket_at(place / FL_FLOW_WAYS, ipv6);
  return bucket ? way_of(bucket, place & (FL_FLOW_WAYS - 1), ipv6) : NULL;
}
static __always_inline __u32 buckets_of(const bool ipv6) {
  return ipv6 ? constants.flow6_buckets : constants.flow4_buckets;
}
static __always_inline volatile __u64* control_of(void* entry, const bool ipv6) {
  return ipv6 ? &((struct fl_flow6*)entry)->control : &((struct fl_flow4*)entry)->control;
}
static __always_inline volatile __u32* stamp_of(void* entry, const bool ipv6) {
  return ipv6 ? &((struct fl_flow6*)entry)->stamp : &((struct fl_flow4*)entry)->stamp;
}

static __always_inline bool is_at(const __be32* words, const struct fl_address* address) {
  return words[0] == address->word[0] && words[1] == address->word[1] &&
         words[2] == address->word[2] && words[3] == address->word[3];
}

static __always_inline bool has_addresses(const void* entry, const struct tuple* tuple,
                                          const bool ipv6) {
  if (!ipv6) {
    const struct fl_flow4* e = entry;
    return e->source == tuple->source.word[3] && e->destination == tuple->destination.word[3];
  }
  const struct fl_flow6* e = entry;
  return is_at(e->source, &tuple->source) && is_at(e->destination, &tuple->destination);
}

static __always_inline void read_entry(const void* entry, const bool ipv6, struct flow* flow) {
  if (!ipv6) {
    const struct fl_flow4* e = entry;
    flow->new_source = address_of_v4(e->new_source);
    flow->new_destination = address_of_v4(e->new_destination);
    flow->new_source_port = e->new_source_port;
    flow->new_destination_port = e->new_destination_port;
    flow->stamp = e->stamp;
    return;
  }
  const struct fl_flow6* e = entry;
  __builtin_memcpy(&flow->new_source, e->new_source, sizeof(flow->new_source));
  __builtin_memcpy(&flow->new_destination, e->new_destination, sizeof(flow->new_destination));
  flow->new_source_port = e->new_source_port;
  flow->new_destination_port = e->new_destination_port;
  flow->stamp = e->stamp;
}

/// True: `entry` is published, for `tuple`, and was not replaced while it was copied to `flow`.
static __always_inline bool copy_if_matches(void* entry, __u64 control, const struct tuple* tuple,
                                            __u64 key, const bool ipv6, struct flow* flow) {
  if (!is_published(control, key) || !has_addresses(entry, tuple, ipv6)) return false;
  read_entry(entry, ipv6, flow);
  flow->control = control;
  flow->state = state_of(control);
  const __u64 after = *control_of(entry, ipv6);
  return ((after ^ control) & ~(0xffULL << FL_FLOW_STATE_SHIFT)) == 0;
}

static __always_inline bool find_hashed_flow(const struct tuple* tuple, __u64 key, __u64 hash,
                                             const bool ipv6, struct flow* flow) {
  for (__u32 probe = 0; probe < FL_FLOW_PROBES; ++probe) {
    const __u32 index = fl_flow_bucket(hash, probe, buckets_of(ipv6));
    void* bucket = bucket_at(index, ipv6);
    if (!bucket) return false;
    const __u64 first = *control_of(bucket, ipv6);
    flow->place = index * FL_FLOW_WAYS;
    if (copy_if_matches(bucket, first, tuple, key, ipv6, flow)) return true;
    void* second = way_of(bucket, 1, ipv6);
    ++flow->place;
    if (copy_if_matches(second, *control_of(second, ipv6), tuple, key, ipv6, flow)) return true;
    if (!(state_of(first) & FL_FLOW_SPILLED)) return false;
  }
  return false;
}

__noinline int look_up_flow4(__u64 addresses, __u64 key, __u64 hash, struct flow* flow) {
  struct tuple tuple = {};
  tuple.source.word[3] = (__be32)(addresses >> 32);
  tuple.destination.word[3] = (__be32)addresses;
  return flow ? find_hashed_flow(&tuple, key, hash, false, flow) : 0;
}
__noinline int look_up_flow6(const struct tuple* tuple, __u64 key, __u64 hash, struct flow* flow) {
  return tuple && flow ? find_hashed_flow(tuple, key, hash, true, flow) : 0;
}

/// `tuple`: in memory, and not a part of what clang shall keep in registers.
static __always_inline bool look_up_flow(const struct tuple* tuple, __u64 key, __u64 hash,
                                         const bool ipv6, struct flow* flow) {
  if (ipv6) return look_up_flow6(tuple, key, hash, flow);
  const __u64 addresses = (__u64)tuple->source.word[3] << 32 | (__u64)tuple->destination.word[3];
  return look_up_flow4(addresses, key, hash, flow);
}

static __always_inline __u64 hash_of(const struct tuple* tuple, __u8 protocol, const bool ipv6) {
  return fl_flow_hash(&tuple->source, &tuple->destination, key_of(tuple, protocol), ipv6);
}

/// The entry for packets that arrive with `tuple`, whatever its age and phase. Changes nothing.
static __always_inline bool find_flow(const struct tuple* tuple, __u8 protocol, const bool ipv6,
                                      struct flow* flow) {
  const struct tuple copy = *tuple;
  return look_up_flow(&copy, key_of(&copy, protocol), hash_of(&copy, protocol, ipv6), ipv6, flow);
}
