// All maps. Sizes here are placeholders: the agent sets max_entries before it loads.
#pragma once

#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

#include "abi/config.h"
#include "abi/counters.h"
#include "abi/flows.h"
#include "abi/frontends.h"
#include "abi/sockets.h"

const volatile struct fl_constants constants = {};

/// For loops: the verifier walks a global function once, whatever its callers know, and goes on
/// behind it with one state. It takes each pointer for NULL or one element, never an array.
#define FL_GLOBAL __attribute__((noinline))

#define FL_MAP(name, map_type, flag_bits, key_type, value_type) \
  struct {                                                      \
    __uint(type, map_type);                                     \
    __uint(max_entries, 1);                                     \
    __uint(map_flags, flag_bits);                               \
    __type(key, key_type);                                      \
    __type(value, value_type);                                  \
  } name SEC(".maps")

// Written by the agent, read here.
FL_MAP(config, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, struct fl_config);
FL_MAP(interfaces, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, __u32, struct fl_interface);
FL_MAP(address_filter, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, __u64);
FL_MAP(frontends, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct fl_frontend_key, fl_frontend_word);
FL_MAP(node_ports, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, __u8);
FL_MAP(members, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct fl_member_key, __u8);
FL_MAP(source_ranges, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, struct fl_range_key, __u8);
FL_MAP(foreign_flows, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct fl_foreign_key, __u8);
FL_MAP(dead_backends, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct fl_dead_key, __u8);
/// The agent writes blocks; round robin counts in fl_header.next.
FL_MAP(records, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, struct fl_record);

// Written here; the agent reads, and marks flows whose UDP backend is gone.
FL_MAP(flows4, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, struct fl_bucket4);
FL_MAP(flows6, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, struct fl_bucket6);
FL_MAP(affinity, BPF_MAP_TYPE_LRU_HASH, 0, struct fl_affinity_key, struct fl_affinity);
FL_MAP(fragments, BPF_MAP_TYPE_LRU_HASH, 0, struct fl_fragment_key, struct fl_fragment);
FL_MAP(counters, BPF_MAP_TYPE_PERCPU_ARRAY, 0, __u32, __u64);
FL_MAP(trace, BPF_MAP_TYPE_ARRAY, 0, __u32, struct fl_trace);

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, FL_STREAMS);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct fl_stream);
} streams SEC(".maps");

#define FL_SOCKET_MAP(name, value_type)    \
  struct {                                 \
    __uint(type, BPF_MAP_TYPE_SK_STORAGE); \
    __uint(map_flags, BPF_F_NO_PREALLOC);  \
    __type(key, int);                      \
    __type(value, value_type);             \
  } name SEC(".maps")

FL_SOCKET_MAP(sockets, struct fl_socket);
FL_SOCKET_MAP(datagram_sockets, struct fl_datagram_socket);

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} drops SEC(".maps");

static __always_inline struct fl_config* node_config(void) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&config, &zero);
}

static __always_inline void count(__u32 what) {
  __u64* counter = bpf_map_lookup_elem(&counters, &what);
  if (counter) ++*counter;
}

/// Coarse monotonic time, in ticks.
static __always_inline __u32 now_ticks(void) {
  if (!constants.jiffy_ns) return (__u32)(bpf_ktime_get_coarse_ns() >> FL_TICK_SHIFT);
  // The same time: the verifier makes this one load, where calling the clock is 20 ns with the
  // return thunks of some machines.
  return (__u32)((bpf_jiffies64() - constants.first_jiffy) * constants.jiffy_ns >> FL_TICK_SHIFT);
}
