// Routes by destination, so that a new flow asks the kernel only for a destination that nobody has
// sent to in this tick.
//
//   destination, ingress interface, family -> known_routes -- asked this tick --> link, MACs, MTU
//                                                  '- else find_route() -> keep_route() -^
//
// This is the kernel's own answer only where a route follows from these three. What else
// bpf_fib_lookup() may look at, and by what:
//
//   policy rules               source, ports, protocol, TOS, mark (we ask with 0), ingress device
//   VRF                        ingress device: by a policy rule
//   routes of several hops     source, ports, protocol, by sysctl net.*.fib_multipath_hash_policy
//   routes with a TOS          TOS: we ask with 0
//   IPv6 routes with a source  source
//   path MTU (exceptions)      destination; of IPv6 the source, in routes with a source alone
//   net.*.conf.*.forwarding    ingress interface
//   neighbours, links' state   neither of the packet
//
// So the agent looks for rules and routes of these kinds, and says for how long there are none:
// fl_config.plain_routes_until, which it renews each second and takes back when it is told of one.
// Without an agent it runs out. A route or a neighbour that changes is followed with the next tick,
// as by flows that are under way (hops.h).
//
// Readers and writers of an element do not wait for each other: who reads looks at `asked` before
// and after; who writes takes the element only from an earlier tick, so that `asked` never comes
// back to what it was.
#pragma once

#include "hops.h"

#define FL_KNOWN_ROUTE_BITS 12
#define FL_KNOWN_ROUTE_WAYS 2

struct known_route {
  __u64 asked;  // ticks << 32 | 1; the low half is 0 while written
  struct fl_address destination;
  __u32 came_by;  // came_by_of()
  __u32 interface;
  __u8 macs[12];
  __u16 mtu;
  __u8 to_peer;
  __u8 hop_number;
  __u64 pad[2];
};  // one cache line, since the array begins with a page
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1 << FL_KNOWN_ROUTE_BITS);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct known_route);
} known_routes SEC(".maps");

static __always_inline bool has_plain_routes(const struct fl_config* node, __u32 now) {
  return now < node->plain_routes_until;
}

/// Interface and family: an IPv6 packet may have a destination that reads as an IPv4 one.
static __always_inline __u32 came_by_of(const struct packet* p, const bool ipv6) {
  return ingress_interface(p) << 1 | ipv6;
}

static __always_inline __u32 place_of_route(const struct fl_address* destination, __u32 came_by,
                                            const bool ipv6) {
  __u64 hash = fl_flow_mix(0, came_by, destination->word[3]);
  if (ipv6) {
    hash = fl_flow_mix(hash, destination->word[0], destination->word[1]);
    hash = fl_flow_mix(hash, 0, destination->word[2]);
  }
  return hash >> (64 - FL_KNOWN_ROUTE_BITS);
}

static __always_inline struct known_route* known_route_at(__u32 place) {
  return bpf_map_lookup_elem(&known_routes, &place);
}

/// False: nobody has asked for it in this tick, this packet does not fit through it, or one has to
/// ask for each flow.
static __always_inline bool recall_route(struct packet* p, const struct fl_config* node,
                                         const struct fl_address* destination, const bool ipv6,
                                         struct route* route) {
  const __u32 now = now_ticks();
  if (!has_plain_routes(node, now)) return false;
  const __u64 asked = (__u64)now << 32 | 1;
  const __u32 came_by = came_by_of(p, ipv6);
  const __u32 place = place_of_route(destination, came_by, ipv6);
  for (__u32 way = 0; way < FL_KNOWN_ROUTE_WAYS; ++way) {
    const struct known_route* known = known_route_at(place ^ way);
    if (!known || *(volatile __u64*)&known->asked != asked || known->came_by != came_by ||
        !same_address(&known->destination, destination, ipv6))
      continue;
    const __u16 mtu = known->mtu;
    route->way = WAY_LINK;
    route->hop_number = known->hop_number;
    route->to_peer = known->to_peer;
    route->lookup.ifindex = known->interface;
    __builtin_memcpy(route->macs, known->macs, sizeof(route->macs));
    return *(volatile __u64*)&known->asked == asked && largest_bytes(p) <= mtu;
  }
  return false;
}

/// For all packets to `destination` that come by the same link, until the next tick. 1: it is kept.
FL_GLOBAL int enter_route(const struct route* answer, const struct fl_address* destination,
                          __u32 came_by, __u32 now) {
  if (!answer || !destination) return 0;
  const __u32 place = came_by & 1 ? place_of_route(destination, came_by, true)
                                  : place_of_route(destination, came_by, false);
  for (__u32 way = 0; way < FL_KNOWN_ROUTE_WAYS; ++way) {
    struct known_route* known = known_route_at(place ^ way);
    if (!known) return 0;
    const __u64 before = *(volatile __u64*)&known->asked;
    if ((__s32)(now - (__u32)(before >> 32)) <= 0) continue;
    if (__sync_val_compare_and_swap(&known->asked, before, (__u64)now << 32) != before) continue;
    known->destination = *destination;
    known->came_by = came_by;
    known->interface = answer->lookup.ifindex;
    __builtin_memcpy(known->macs, answer->macs, sizeof(known->macs));
    known->mtu = answer->lookup.mtu_result;
    known->to_peer = answer->to_peer;
    known->hop_number = answer->hop_number;
    __sync_fetch_and_or(&known->asked, 1);
    return 1;
  }
  return 0;
}

/// What the kernel has just answered to find_route(): `hop_number` follows from it, and others may
/// use it. At XDP it is not known of other links whether a pod is behind them.
static __always_inline void keep_route(const struct packet* p, const struct fl_config* node,
                                       const struct fl_address* destination, const bool ipv6,
                                       struct route* route) {
  route->hop_number = 0;
  if (p->dry || route->way != WAY_LINK) return;
  const __u32 now = now_ticks();
  route->hop_number = keep_hop(route, now);
  if (!has_plain_routes(node, now)) return;
  if (p->hook == FL_HOOK_XDP && route->lookup.ifindex != ingress_interface(p)) return;
  enter_route(route, destination, came_by_of(p, ipv6), now);
}
