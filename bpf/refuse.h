// Answers to packets that go nowhere, from the address that was asked, back the way they came.
//
//   TCP       -> reset (RFC 9293 3.5.2), never to a reset
//   others    -> ICMP port unreachable (RFC 792, RFC 4443 3.1)
//   too long  -> ICMP fragmentation needed (RFC 1191), packet too big (RFC 4443 3.2)
//
// The answers are functions of their own, verified once for each kind of program, however often
// they are called. ICMP is limited as the kernel's own (icmp_msgs_per_sec), on each CPU.
#pragma once

#include "answer.h"
#include "drop.h"

#define FL_ICMP_PER_TICK 1000

struct icmp_budget {
  __u32 tick, sent;
};
/// On this CPU: the stack has no place for it.
FL_MAP(questions, BPF_MAP_TYPE_PERCPU_ARRAY, 0, __u32, struct question);

FL_MAP(icmp_budgets, BPF_MAP_TYPE_PERCPU_ARRAY, 0, __u32, struct icmp_budget);

/// Within the limit of ICMP errors; resets have none.
static __always_inline bool may_send(const struct question* q) {
  if (q->protocol == IPPROTO_TCP && !q->mtu) return true;
  __u32 zero = 0;
  struct icmp_budget* budget = bpf_map_lookup_elem(&icmp_budgets, &zero);
  if (!budget) return false;
  const __u32 now = now_ticks();
  if (budget->tick != now) {
    budget->tick = now;
    budget->sent = 0;
  }
  return budget->sent++ < FL_ICMP_PER_TICK;
}

/// Whether the packet came from one host (RFC 1122 3.2.2, RFC 4443 2.4 (e)).
static __always_inline bool is_unicast_host(const struct fl_address* source, const bool ipv6) {
  if (ipv6) return !is_unspecified(source, true) && *(const __u8*)source != 0xff;
  const __u8 first = ((const __u8*)&source->word[3])[0];
  return first != 0 && first != 127 && first < 224;
}

static __always_inline bool shall_answer(const struct question* q) {
  if (!q->mtu) count(FL_COUNT_REJECTED);
  return is_unicast_host(&q->tuple.source, q->ipv6) && may_send(q);
}

static __always_inline bool reset_skb(struct packet* p, const struct question* q, const bool ipv6,
                                      union answer_headers* h) {
  const __u32 bytes = (ipv6 ? sizeof(h->v6.ip) : sizeof(h->v4.ip)) + sizeof(struct tcphdr);
  const bool partial =
      is_partial(skb_of(p), p->l3 + q->header + __builtin_offsetof(struct tcphdr, check));
  struct tcphdr original;
  if (bpf_skb_load_bytes(skb_of(p), p->l3 + q->header, &original, sizeof(original))) return false;
  return write_reset(h, q, ipv6, &original, partial) &&
         !bpf_skb_change_tail(skb_of(p), p->l3 + bytes, 0) &&
         !bpf_skb_store_bytes(skb_of(p), p->l3, h, bytes, BPF_F_RECOMPUTE_CSUM);
}

/// A packet whose checksum a device was to complete is an error with a wrong checksum if it leaves
/// by a device that does so; from pods and the host's sockets, which are where such packets come
/// from, it does not.
static __always_inline bool icmp_skb(struct packet* p, struct question* q, const bool ipv6,
                                     union answer_headers* h) {
  const __u32 room = (ipv6 ? sizeof(h->v6.ip) : sizeof(h->v4.ip)) + FL_ICMP_BYTES;
  __u64 sum = 0;
  if (!set_quote(q, ipv6, skb_of(p)->len - p->l3)) return false;
  if (bpf_skb_change_tail(skb_of(p), p->l3 + q->quote, 0)) return false;
  reload(p);
  if (!add_quote(p, q, p->l3, &sum)) return false;
  if (bpf_skb_adjust_room(skb_of(p), room, BPF_ADJ_ROOM_MAC, 0)) return false;
  write_icmp(h, q, ipv6, sum);
  return !bpf_skb_store_bytes(skb_of(p), p->l3, h, room, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline bool swap_macs(struct packet* p) {
  struct ethhdr old;
  struct ethhdr new;
  if (bpf_skb_load_bytes(skb_of(p), 0, &old, sizeof(old))) return false;
  new.h_proto = old.h_proto;
  __builtin_memcpy(new.h_dest, old.h_source, ETH_ALEN);
  __builtin_memcpy(new.h_source, old.h_dest, ETH_ALEN);
  return !bpf_skb_store_bytes(skb_of(p), 0, &new, sizeof(new), 0);
}

static __always_inline int answer_in_tc(struct __sk_buff* ctx, struct question* q,
                                        const bool has_mac) {
  if (!q || !shall_answer(q)) return TC_ACT_SHOT;
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_INGRESS, .l3 = has_mac ? FL_ETHERNET_BYTES : 0};
  union answer_headers headers = {};
  bool done = false;
  if (q->protocol == IPPROTO_TCP && !q->mtu)
    done = q->ipv6 ? reset_skb(&p, q, true, &headers) : reset_skb(&p, q, false, &headers);
  else
    done = q->ipv6 ? icmp_skb(&p, q, true, &headers) : icmp_skb(&p, q, false, &headers);
  if (!done || (has_mac && !swap_macs(&p))) return TC_ACT_SHOT;
  return bpf_redirect(ctx->ifindex, q->egress ? BPF_F_INGRESS : 0);
}
__noinline int answer_skb(struct __sk_buff* ctx, struct question* q) {
  return answer_in_tc(ctx, q, true);
}
__noinline int answer_skb_l3(struct __sk_buff* ctx, struct question* q) {
  return answer_in_tc(ctx, q, false);
}

/// Makes the frame's IP packet `bytes` long, `room` bytes further on, with MAC addresses swapped.
static __always_inline bool reshape_xdp(struct packet* p, __u32 bytes, const __u32 room) {
  struct ethhdr old;
  struct ethhdr* new = p->data;
  if (p->data + sizeof(old) > p->data_end) return false;
  old = *new;
  const int growth = (int)(FL_ETHERNET_BYTES + bytes) - (int)(p->data_end - p->data);
  if (bpf_xdp_adjust_tail(xdp_of(p), growth)) return false;
  if (room && bpf_xdp_adjust_head(xdp_of(p), -(int)room)) return false;
  reload(p);
  new = p->data;
  if (p->data + sizeof(old) > p->data_end) return false;
  new->h_proto = old.h_proto;
  __builtin_memcpy(new->h_dest, old.h_source, ETH_ALEN);
  __builtin_memcpy(new->h_source, old.h_dest, ETH_ALEN);
  return true;
}

static __always_inline bool reset_xdp(struct packet* p, const struct question* q, const bool ipv6,
                                      union answer_headers* h) {
  const __u32 bytes = (ipv6 ? sizeof(h->v6.ip) : sizeof(h->v4.ip)) + sizeof(struct tcphdr);
  const __u32 l4 = FL_ETHERNET_BYTES + q->header;
  const struct tcphdr* original = l4 < 0x8000 ? ensure(p, l4, sizeof(*original)) : NULL;
  if (!original || !write_reset(h, q, ipv6, original, false)) return false;
  if (!reshape_xdp(p, bytes, 0)) return false;
  void* at = ensure(p, FL_ETHERNET_BYTES, bytes);
  if (!at) return false;
  __builtin_memcpy(at, h, bytes);
  return true;
}

static __always_inline bool icmp_xdp(struct packet* p, struct question* q, const bool ipv6,
                                     union answer_headers* h) {
  const __u32 room = (ipv6 ? sizeof(h->v6.ip) : sizeof(h->v4.ip)) + FL_ICMP_BYTES;
  __u64 sum = 0;
  if (!set_quote(q, ipv6, (__u32)(p->data_end - p->data) - FL_ETHERNET_BYTES)) return false;
  if (!add_quote(p, q, FL_ETHERNET_BYTES, &sum)) return false;
  write_icmp(h, q, ipv6, sum);
  if (!reshape_xdp(p, q->quote, room)) return false;
  void* at = ensure(p, FL_ETHERNET_BYTES, room);
  if (!at) return false;
  __builtin_memcpy(at, h, room);
  return true;
}

__noinline int answer_xdp(struct xdp_md* ctx, struct question* q) {
  if (!q || !shall_answer(q)) return XDP_DROP;
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_XDP, .l3 = FL_ETHERNET_BYTES};
  union answer_headers headers = {};
  bool done = false;
  reload(&p);
  if (q->protocol == IPPROTO_TCP && !q->mtu)
    done = q->ipv6 ? reset_xdp(&p, q, true, &headers) : reset_xdp(&p, q, false, &headers);
  else
    done = q->ipv6 ? icmp_xdp(&p, q, true, &headers) : icmp_xdp(&p, q, false, &headers);
  return done ? XDP_TX : XDP_DROP;
}

/// To a packet as it came. `mtu` 0: TCP is reset, others are told port unreachable; else
/// fragmentation needed, packet too big. Returns the hook's verdict.
static __always_inline int answer(struct packet* p, __u32 mtu, const bool ipv6) {
  __u32 zero = 0;
  struct question* q = bpf_map_lookup_elem(&questions, &zero);
  // A later fragment is never answered (RFC 1122 3.2.2): its first was.
  if (!q || p->dry || p->is_later_fragment || p->tcp_flags & TCP_RST) return drop_verdict(p);
  q->tuple = p->tuple;
  q->header = p->l4 - p->l3;
  q->length = p->length;
  q->mtu = mtu;
  q->protocol = p->protocol;
  q->ipv6 = ipv6;
  q->egress = p->hook == FL_HOOK_TC_EGRESS;
  if (p->hook == FL_HOOK_XDP) return answer_xdp(p->ctx, q);
  return p->has_mac ? answer_skb(p->ctx, q) : answer_skb_l3(p->ctx, q);
}
