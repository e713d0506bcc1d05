// The flow tables: what a translated flow's packets become, in each direction. One table a family,
// of the same shape.
//
// Map `flows4`, `flows6`: ARRAY of buckets, mapped into the agent's memory. An entry's first bucket
// follows from its key; where all ways are taken by live flows the bucket is marked FL_FLOW_SPILLED
// and the next place is tried, up to FL_FLOW_PROBES buckets. A look-up ends at the first bucket
// that is not marked: one cache line, as a rule.
//
// A flow has two entries, each found by the tuple that its packets arrive with:
//   original   client -> frontend   becomes   source -> backend
//   reply      backend -> source    becomes   frontend -> client
//
// Writers claim an entry by compare-and-swap of `control` (ports and protocol of the new one, phase
// FL_FLOW_BUSY, version + 1), write the rest, and publish by changing the phase. Readers compare
// ports, protocol and version before and after. `state` alone may change at any time, by
// compare-and-swap of `control`. Nothing is ever deleted by time: an entry whose time is over, and
// whose partner's is, is free for the next that needs its place. A UDP entry of phase
// FL_FLOW_CLOSED is never used again: so the agent ends flows whose backend is gone.
//
// Marks are taken away by the agent alone, which doubts them first (FL_FLOW_DOUBTED). Who enters a
// flow and goes past a doubted mark confirms it: takes the doubt away, then sets the mark. After an
// RCU grace period whoever went past without seeing the doubt is in the table; if no entry is
// there that is found by way of the mark, and the doubt is still there, both are taken away at
// once.
#pragma once

#include "types.h"

#ifndef __cplusplus
#include <stdbool.h>
#endif

enum fl_flow_phase {
  FL_FLOW_EMPTY = 0,
  FL_FLOW_BUSY = 1,  // being written
  FL_FLOW_NEW = 2,   // not answered
  FL_FLOW_ESTABLISHED = 3,
  FL_FLOW_CLOSING = 4,  // TCP: one side has sent FIN
  FL_FLOW_CLOSED = 5,   // TCP: both have, or one sent RST
};
enum fl_flow_state {
  FL_FLOW_PHASE = 7,         // mask: enum fl_flow_phase
  FL_FLOW_REPLY = 1 << 3,    // the entry of the reply's direction
  FL_FLOW_HOST = 1 << 4,     // the backend is the node itself: replies pass the egress hook
  FL_FLOW_SPILLED = 1 << 5,  // of the bucket's first entry: look further
  FL_FLOW_FIN = 1 << 6,      // this direction has sent FIN
  FL_FLOW_DOUBTED = 1 << 7,  // beside FL_FLOW_SPILLED: the agent asks whether anybody needs that
};

/// All addresses and ports in network byte order.
struct fl_flow4 {
  __be32 source, destination;
  union {
    struct {
      __be16 source_port, destination_port;
      __u8 protocol;
      __u8 state;  // enum fl_flow_state
      __u16 version;
    };
    __u64 control;
  };
  __be32 new_source, new_destination;
  __be16 new_source_port, new_destination_port;
  __u32 stamp;  // fl_stamp()
};
FL_LAYOUT(struct fl_flow4, 32);

struct fl_flow6 {
  __be32 source[4], destination[4];
  union {
    struct {
      __be16 source_port, destination_port;
      __u8 protocol;
      __u8 state;
      __u16 version;
    };
    __u64 control;
  };
  __be32 new_source[4];
  __be16 new_source_port, new_destination_port;
  __u32 stamp;  // fl_stamp()
  __be32 new_destination[4];
  __u64 pad[6];
};
FL_LAYOUT(struct fl_flow6, 128);

/// An entry's `stamp`: ticks of the last packet in this direction, and in the lowest 8 bits the hop
/// that it took (bpf/hops.h). Ticks come round after 208 days.
static inline __u32 fl_stamp(__u32 ticks, __u32 hop) { return ticks << 8 | hop; }
/// Ticks since then; negative where another CPU is ahead.
static inline __s32 fl_stamp_age(__u32 stamp, __u32 now_ticks) {
  return (__s32)((now_ticks << 8) - (stamp & ~0xffU)) >> 8;
}

#define FL_FLOW_WAYS 2
#define FL_FLOW_PROBES 8
struct fl_bucket4 {
  struct fl_flow4 way[FL_FLOW_WAYS];  // one cache line
};
FL_LAYOUT(struct fl_bucket4, 64);
struct fl_bucket6 {
  struct fl_flow6 way[FL_FLOW_WAYS];
};
FL_LAYOUT(struct fl_bucket6, 256);

/// `control` of an entry that is looked for: ports and protocol, all else zero.
FL_INLINE __u64 fl_flow_key(__be16 source_port, __be16 destination_port, __u8 protocol) {
  return (__u64)source_port | (__u64)destination_port << 16 | (__u64)protocol << 32;
}
#define FL_FLOW_KEY_MASK 0xffffffffffULL
#define FL_FLOW_STATE_SHIFT 40
#define FL_FLOW_VERSION_SHIFT 48

FL_INLINE __u64 fl_flow_mix(__u64 hash, __be32 source, __be32 destination) {
  return (hash ^ hash >> 32 ^ ((__u64)source << 32 | (__u64)destination)) * 0x9e3779b97f4a7c15ULL;
}

/// Of a packet's tuple: the low half says where its entry is, the high half which backend Maglev
/// takes. The same on every node.
FL_INLINE __u64 fl_flow_hash(const struct fl_address* source, const struct fl_address* destination,
                             __u64 key, bool ipv6) {
  __u64 hash = fl_flow_mix(0, source->word[3], destination->word[3]);
  if (ipv6) {
    hash = fl_flow_mix(hash, source->word[0], destination->word[0]);
    hash = fl_flow_mix(hash, source->word[1], destination->word[1]);
    hash = fl_flow_mix(hash, source->word[2], destination->word[2]);
  }
  hash = (hash ^ hash >> 32 ^ key) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ hash >> 29) * 0x94d049bb133111ebULL;
  return hash ^ hash >> 32;
}

/// The bucket that is looked at as number `probe`, of `buckets`, a power of two.
FL_INLINE __u32 fl_flow_bucket(__u64 hash, __u32 probe, __u32 buckets) {
  return ((__u32)hash + probe * ((__u32)(hash >> 32) | 1)) & (buckets - 1);
}

/// Map `fragments`, LRU_HASH: which ports the first fragment of a datagram had.
struct fl_fragment_key {
  struct fl_address source, destination;
  __be32 id;
  __u8 protocol;  // IPv6: 0
  __u8 pad[3];
};
FL_LAYOUT(struct fl_fragment_key, 40);
struct fl_fragment {
  __be16 source_port, destination_port;
  __u8 protocol;
  __u8 pad[3];
  __u32 stamp;  // ticks
};
FL_LAYOUT(struct fl_fragment, 12);
