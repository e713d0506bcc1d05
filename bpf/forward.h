// Where a translated packet goes: decided before anything is written, done after.
//
//   XDP         out of the link that it came by, or not touched at all: tc does it then
//   tc ingress  into a pod (redirect_peer), out of a link (redirect, redirect_neigh), or on through
//               the host's stack where that must do the rest
//
// A masqueraded packet that goes on through the stack has one of the node's own addresses as its
// source: IPv4 takes that for a martian unless net.ipv4.conf.*.accept_local is set, as the agent
// does where packets go that way by choice (forward_by_stack).
#pragma once

#include "drop.h"
#include "rewrite.h"

#define FL_AF_INET 2
#define FL_AF_INET6 10

enum way {
  WAY_HOST,       // to the node itself, or nowhere: the stack knows
  WAY_STACK,      // forwarded by the stack
  WAY_LINK,       // MAC addresses are known
  WAY_NEIGHBOUR,  // they are not yet
  WAY_TOO_BIG,
};

struct route {
  struct bpf_redir_neigh hop;
  __u8 macs[12];  // WAY_LINK: destination and source
  enum way way;
  bool to_peer;                  // WAY_LINK, tc: the link's other end is a pod
  __u32 hop_number;              // in `hops`; 0: none
  struct bpf_fib_lookup lookup;  // as the kernel answered
};

/// The largest packet that leaves: an aggregated skb is cut before.
static __always_inline __u16 largest_bytes(struct packet* p) {
  if (p->hook == FL_HOOK_XDP) return p->length;
  const __u32 segment = skb_of(p)->gso_size;
  if (!segment) return p->length;
  __u32 header = sizeof(struct udphdr);
  if (p->protocol == IPPROTO_TCP) {
    const __u8* length = ensure(p, p->l4 + 12, 1);
    header = length ? (*length >> 4) * 4 : sizeof(struct tcphdr);
  }
  return p->l4 - p->l3 + header + segment;
}

static __always_inline enum way way_of_answer(const struct packet* p, long answer) {
  switch (answer) {
    case BPF_FIB_LKUP_RET_SUCCESS:
      return WAY_LINK;
    case BPF_FIB_LKUP_RET_NO_NEIGH:
      return WAY_NEIGHBOUR;
    case BPF_FIB_LKUP_RET_FRAG_NEEDED:
      return p->dont_fragment ? WAY_TOO_BIG : WAY_STACK;
    case BPF_FIB_LKUP_RET_NOT_FWDED:
      return WAY_HOST;
    default:
      return WAY_STACK;
  }
}

/// How a packet that came as `p` gets to its new destination.
static __always_inline void find_route(struct packet* p, const struct fl_address* destination,
                                       __be16 port, const bool ipv6, struct route* route) {
  struct bpf_fib_lookup* lookup = &route->lookup;
  __builtin_memset(lookup, 0, sizeof(*lookup));
  lookup->family = ipv6 ? FL_AF_INET6 : FL_AF_INET;
  lookup->l4_protocol = p->protocol;
  lookup->sport = p->tuple.source_port;
  lookup->dport = port;
  lookup->tot_len = largest_bytes(p);
  lookup->ifindex = ingress_interface(p);
  // By the source that it came with: the stack as well would route before it masquerades.
  if (ipv6) {
    __builtin_memcpy(lookup->ipv6_src, &p->tuple.source, sizeof(lookup->ipv6_src));
    __builtin_memcpy(lookup->ipv6_dst, destination, sizeof(lookup->ipv6_dst));
  } else {
    lookup->ipv4_src = p->tuple.source.word[3];
    lookup->ipv4_dst = destination->word[3];
  }
  route->way = way_of_answer(p, bpf_fib_lookup(p->ctx, lookup, sizeof(*lookup), 0));
  route->to_peer = false;
  if (route->way != WAY_LINK) return;
  __builtin_memcpy(route->macs, lookup->dmac, 6);
  __builtin_memcpy(route->macs + 6, lookup->smac, 6);
  if (p->hook == FL_HOOK_XDP) return;
  __u32 interface = lookup->ifindex;
  const struct fl_interface* known = bpf_map_lookup_elem(&interfaces, &interface);
  route->to_peer = known && known->flags & FL_INTERFACE_PEER;
}

static __always_inline bool same_mac(const __u8* a, const __u8* b) {
  return *(const __u32*)a == *(const __u32*)b && *(const __u16*)(a + 4) == *(const __u16*)(b + 4);
}

/// XDP: can it be sent back out of its link? Its MAC must be that link's: a promiscuous link
/// brings packets for others.
static __always_inline bool leaves_by_same_link(struct packet* p, const struct route* route) {
  if (route->way != WAY_LINK || route->lookup.ifindex != ingress_interface(p)) return false;
  const struct ethhdr* ethernet = ensure(p, 0, sizeof(*ethernet));
  return ethernet && same_mac(ethernet->h_dest, route->macs + 6);
}

static __always_inline bool write_macs(struct packet* p, const struct route* route) {
  if (p->hook != FL_HOOK_XDP) return bpf_skb_store_bytes(skb_of(p), 0, route->macs, 12, 0) == 0;
  __u8* at = ensure(p, 0, 12);
  if (!at) return false;
  __builtin_memcpy(at, route->macs, 12);
  return true;
}

static __always_inline int redirect_to_neighbour(struct route* route) {
  struct bpf_redir_neigh* hop = &route->hop;
  hop->nh_family = route->lookup.family;
  if (hop->nh_family == FL_AF_INET6)
    __builtin_memcpy(hop->ipv6_nh, route->lookup.ipv6_dst, sizeof(hop->ipv6_nh));
  else
    hop->ipv4_nh = route->lookup.ipv4_dst;
  count(FL_COUNT_TO_WIRE);
  return bpf_redirect_neigh(route->lookup.ifindex, hop, sizeof(*hop), 0);
}

/// Of a packet that came without: the kernel redirects nothing else to links that have MAC
/// addresses, and takes the header off again before links that have none.
__attribute__((noinline)) int add_mac_header(struct __sk_buff* ctx) {
  const __be16 type = (__be16)ctx->protocol;
  return !bpf_skb_change_head(ctx, FL_ETHERNET_BYTES, 0) &&
         !bpf_skb_store_bytes(ctx, 12, &type, sizeof(type), 0);
}

/// Sends the rewritten packet on; the hook's verdict. `has_macs`: rewrite() has written them.
static __always_inline int forward(struct packet* p, struct route* route, bool has_macs) {
  if (p->hook == FL_HOOK_XDP) {
    if (!write_macs(p, route)) return XDP_DROP;
    count(FL_COUNT_TO_WIRE);
    return XDP_TX;
  }
  if (route->way == WAY_HOST || route->way == WAY_STACK) {
    count(FL_COUNT_TO_STACK);
    return pass(p);
  }
  if (!p->has_mac && !add_mac_header(skb_of(p))) return drop_verdict(p);
  if (route->way == WAY_NEIGHBOUR) return redirect_to_neighbour(route);
  if (!(has_macs && p->has_mac) && !write_macs(p, route)) return drop_verdict(p);
  if (route->to_peer && p->has_mac) {
    count(FL_COUNT_TO_PEER);
    return bpf_redirect_peer(route->lookup.ifindex, 0);
  }
  count(FL_COUNT_TO_WIRE);
  return bpf_redirect(route->lookup.ifindex, 0);
}
