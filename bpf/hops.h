// The hops that flows take, so that a route is asked for once a tick of a flow and not for each of
// its packets: the kernel's own look-up is half of what a packet costs.
//
//   flow's stamp: this tick, hop 7 -> hops[7]          as the kernel answered, a second ago at most
//   else                           -> find_route() -> keep_hop() -> into the flow's stamp
//
// An element is given to another hop only when nobody has used it for two ticks, and a flow uses it
// only within the tick of its stamp. Hops of which there are too many are asked for each time.
#pragma once

#include "forward.h"

#define FL_HOPS 256 /* number 0 is no hop */
#define FL_HOP_PROBES 4

struct hop {
  __u64
      owner;  // ticks when it was last kept, and a hash of the following, which is 0 while written
  __u32 interface;
  __u16 mtu;
  __u8 to_peer;
  __u8 pad;
  __u8 macs[12];
  __u32 pad2;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, FL_HOPS);
  __type(key, __u32);
  __type(value, struct hop);
} hops SEC(".maps");

static __always_inline struct hop* hop_at(__u32 number) {
  return bpf_map_lookup_elem(&hops, &number);
}

/// Which hop the answer is, from now until the next tick but one; 0: none.
FL_GLOBAL int keep_hop(const struct route* answer, __u32 now) {
  if (!answer) return 0;
  const __u32 interface = answer->lookup.ifindex;
  const __u16 mtu = answer->lookup.mtu_result;
  __u32 words[3];
  __builtin_memcpy(words, answer->macs, sizeof(words));
  const __u32 link = interface ^ (__u32)mtu << 16 ^ (__u32)answer->to_peer << 15;
  const __u32 hash = 1 | fl_mix(words[0] ^ fl_mix(words[1] ^ fl_mix(words[2] ^ link)));
  for (__u32 probe = 0; probe < FL_HOP_PROBES; ++probe) {
    const __u32 number = ((hash >> 8) + probe) & (FL_HOPS - 1);
    struct hop* hop = hop_at(number);
    if (!hop || number == 0) continue;
    const __u64 owner = *(volatile __u64*)&hop->owner;
    const __u64 kept = (__u64)now << 32 | hash;
    if ((__u32)owner == hash) {
      if (hop->interface != interface || hop->mtu != mtu || hop->to_peer != answer->to_peer ||
          __builtin_memcmp(hop->macs, words, sizeof(words)))
        continue;
      if (owner != kept) __sync_val_compare_and_swap(&hop->owner, owner, kept);
      return number;
    }
    if (now - (__u32)(owner >> 32) < 2) continue;
    if (__sync_val_compare_and_swap(&hop->owner, owner, (__u64)now << 32) != owner) continue;
    hop->interface = interface;
    hop->mtu = mtu;
    hop->to_peer = answer->to_peer;
    __builtin_memcpy(hop->macs, words, sizeof(words));
    __sync_fetch_and_or(&hop->owner, (__u64)hash);
    return number;
  }
  return 0;
}

/// False: the flow has none, or none that this packet fits through.
static __always_inline bool recall_hop(struct packet* p, __u32 stamp, struct route* route) {
  const __u32 number = stamp & (FL_HOPS - 1);
  if (number == 0 || fl_stamp(now_ticks(), number) != stamp) return false;
  const struct hop* hop = hop_at(number);
  if (!hop || largest_bytes(p) > hop->mtu) return false;
  route->way = WAY_LINK;
  route->hop_number = number;
  route->lookup.ifindex = hop->interface;
  route->to_peer = hop->to_peer;
  __builtin_memcpy(route->macs, hop->macs, sizeof(route->macs));
  return true;
}
