// ICMP errors that speak of a packet of one of our flows: the packet within is translated back, so
// that who sent it understands.
//
//   an error is sent to the source of the packet within; what went out as that packet is answered
//   by packets of the reversed tuple, and what the flow table makes of those is what the error
//   must speak of:
//
//     reversed tuple     becomes              packet within           error goes to
//     backend -> source  frontend -> client   client -> frontend      client
//     client -> frontend source -> backend    backend -> source       backend
//
// The error keeps its source, unless that is the very host that the packet within was sent to.
#pragma once

#include "answer.h"
#include "forward.h"

enum {
  ICMP4_TIME_EXCEEDED = 11,
  ICMP4_PARAMETER_PROBLEM = 12,
  ICMP6_PARAMETER_PROBLEM = 4,  // and 1 to 3
};

/// The packet within: where its headers are, and the tuple of its answers.
struct inner_packet {
  __u32 l3, l4;
  __u8 protocol;
  __u16 ip_checksum;  // IPv4
  struct tuple answers;
};

/// Of one error, on this CPU: the stack has no place for it.
struct error_work {
  struct tuple tuple;  // the error's; no ports
  __u32 l4, length;
  __u8 hop_limit, ipv6;
  struct inner_packet inner;
  struct flow flow;   // of the packets that answer the one within
  struct flow outer;  // its new_source and new_destination are the error's
  struct route route;

  // What the packet within becomes, and what that adds to a sum over it.
  struct fl_address addresses[2];
  __be32 addresses4[2];
  __be16 ports[2];
  checksum_change of_addresses, of_ports;
  union address_tail tail;
};
FL_MAP(error_works, BPF_MAP_TYPE_PERCPU_ARRAY, 0, __u32, struct error_work);

/// ensure(), of an offset that the verifier knows nothing of: it comes out of memory.
static __always_inline void* ensure_within(struct packet* p, __u32 offset, const __u32 bytes) {
  asm volatile("" : "+r"(offset));  // else clang adds it up twice, and one of them is unbounded
  return offset < 0x4000 ? ensure(p, offset, bytes) : NULL;
}

static __always_inline bool is_icmp_error(struct packet* p, const bool ipv6) {
  const __u8* type = ensure(p, p->l4, 1);
  if (!type) return false;
  if (ipv6) return *type >= ICMP6_UNREACHABLE && *type <= ICMP6_PARAMETER_PROBLEM;
  return *type == ICMP4_UNREACHABLE || *type == ICMP4_TIME_EXCEEDED ||
         *type == ICMP4_PARAMETER_PROBLEM;
}

static __always_inline bool parse_inner_ip(struct packet* p, const bool ipv6,
                                           struct inner_packet* inner) {
  inner->l3 = p->l4 + FL_ICMP_BYTES;
  if (ipv6) {
    const struct ipv6hdr* ip = ensure_within(p, inner->l3, sizeof(*ip));
    if (!ip || ip->version != 6) return false;
    inner->l4 = inner->l3 + sizeof(*ip);
    inner->protocol = ip->nexthdr;
    __builtin_memcpy(&inner->answers.source, &ip->daddr, sizeof(inner->answers.source));
    __builtin_memcpy(&inner->answers.destination, &ip->saddr, sizeof(inner->answers.destination));
    return true;
  }
  const struct iphdr* ip = ensure_within(p, inner->l3, sizeof(*ip));
  if (!ip || ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(0x1fff)) return false;
  inner->l4 = inner->l3 + ip->ihl * 4;
  inner->protocol = ip->protocol;
  inner->ip_checksum = ip->check;
  inner->answers.source = address_of_v4(ip->daddr);
  inner->answers.destination = address_of_v4(ip->saddr);
  return true;
}

/// False: no packet that a flow of ours could have.
static __always_inline bool parse_inner(struct packet* p, const bool ipv6,
                                        struct inner_packet* inner) {
  if (!parse_inner_ip(p, ipv6, inner)) return false;
  if (inner->protocol != IPPROTO_TCP && inner->protocol != IPPROTO_UDP &&
      inner->protocol != IPPROTO_SCTP)
    return false;
  const __be16* ports = ensure_within(p, inner->l4, 4);
  if (!ports) return false;
  inner->answers.source_port = ports[1];
  inner->answers.destination_port = ports[0];
  return same_address(&inner->answers.destination, &p->tuple.destination, ipv6);
}

/// In tc a sum that the hardware has taken of the packet follows.
static __always_inline bool write_bytes(struct packet* p, __u32 offset, const void* from,
                                        const __u32 bytes) {
  if (p->hook != FL_HOOK_XDP) {
    const long failed = bpf_skb_store_bytes(skb_of(p), offset, from, bytes, BPF_F_RECOMPUTE_CSUM);
    reload(p);
    return !failed;
  }
  void* at = ensure_within(p, offset, bytes);
  if (!at) return false;
  __builtin_memcpy(at, from, bytes);
  return true;
}

/// Writes a checksum and adds what that changes in a sum over it.
static __always_inline bool write_checksum(struct packet* p, __u32 offset, __u16 before,
                                           __u16 after, checksum_change* change) {
  *change += change_of(before, after);
  return write_bytes(p, offset, &after, sizeof(after));
}

/// The TCP or UDP checksum within, where the error quotes that much.
static __always_inline bool rewrite_inner_checksum(struct packet* p, const struct error_work* w,
                                                   checksum_change* change) {
  const bool udp = w->inner.protocol == IPPROTO_UDP;
  if (w->inner.protocol == IPPROTO_SCTP) return true;
  const __u32 offset = w->inner.l4 + (udp ? 6 : 16);
  const __u16* at = ensure_within(p, offset, sizeof(*at));
  if (!at) return true;
  const __u16 before = *at;
  if (udp && before == 0) return true;  // the sender left it out (RFC 768, RFC 6935)
  __u16 after = changed_checksum(before, w->of_addresses + w->of_ports);
  if (udp && after == 0) after = 0xffff;
  return write_checksum(p, offset, before, after, change);
}

/// The packet within; `change` is that of a sum over the whole of it.
static __always_inline bool rewrite_inner(struct packet* p, const struct error_work* w,
                                          const bool ipv6, checksum_change* change) {
  const struct inner_packet* inner = &w->inner;
  *change = w->of_addresses + w->of_ports;
  if (ipv6) {
    if (!write_bytes(p, inner->l3 + 8, w->addresses, sizeof(w->addresses))) return false;
  } else {
    if (!write_bytes(p, inner->l3 + 12, w->addresses4, sizeof(w->addresses4))) return false;
    const __u16 sum = changed_checksum(inner->ip_checksum, w->of_addresses);
    if (!write_checksum(p, inner->l3 + 10, inner->ip_checksum, sum, change)) return false;
  }
  if (!write_bytes(p, inner->l4, w->ports, sizeof(w->ports))) return false;
  return rewrite_inner_checksum(p, w, change);
}

/// The error's own header, its checksum for what has changed within, and for its addresses.
static __always_inline bool rewrite_error(struct packet* p, struct error_work* w,
                                          checksum_change within, bool forward, const bool ipv6) {
  const __u16* at = ensure_within(p, p->l4 + 2, sizeof(*at));
  if (!at) return false;
  const __u16 before = *at;
  struct rewriting how = {.forward = forward};
  how.addresses = address_change(&p->tuple.source, &w->outer.new_source, ipv6) +
                  address_change(&p->tuple.destination, &w->outer.new_destination, ipv6);
  const __u16 after = changed_checksum(before, ipv6 ? within + how.addresses : within);
  if (!write_bytes(p, p->l4 + 2, &after, sizeof(after))) return false;
  return ipv6 ? rewrite_ipv6(p, &w->outer, &how, &w->tail.v6)
              : rewrite_ipv4(p, &w->outer, &how, &w->tail.v4);
}

/// Whether the error is for this hook; CONTINUE, or the packet's end.
static __always_inline int route_error(struct packet* p, const struct fl_config* node,
                                       const struct flow* outer, const bool ipv6,
                                       struct route* route) {
  if (p->hook == FL_HOOK_TC_EGRESS) {
    // Of what leaves the host's stack only answers of backends on the node itself are ours.
    const __u8 ours = FL_FLOW_REPLY | FL_FLOW_HOST;
    return (outer->state & ours) == ours ? CONTINUE : pass(p);
  }
  if (p->hop_limit <= 1) return pass(p);
  find_route(p, &outer->new_destination, 0, ipv6, route);
  if (p->hook == FL_HOOK_XDP) return leaves_by_same_link(p, route) ? CONTINUE : pass(p);
  if (route->way == WAY_TOO_BIG) return drop_verdict(p);
  if (node->forward_by_stack && route->way != WAY_HOST) route->way = WAY_STACK;
  return CONTINUE;
}

static __always_inline struct error_work* error_work_of_this_cpu(void) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&error_works, &zero);
}

/// All of it is pulled: then nothing is, and each look at the packet is one comparison.
static __always_inline void begin_error(struct packet* p) {
  p->linear = true;
  p->l3 = p->has_mac ? FL_ETHERNET_BYTES : 0;
  if (p->hook != FL_HOOK_XDP) bpf_skb_pull_data(skb_of(p), skb_of(p)->len);
  reload(p);
}

/// From what `w->inner.answers` says it was to what `w->flow` says.
static __always_inline void set_changes(struct error_work* w, const bool ipv6) {
  const struct tuple* before = &w->inner.answers;
  w->addresses[0] = w->flow.new_destination;
  w->addresses[1] = w->flow.new_source;
  w->addresses4[0] = w->flow.new_destination.word[3];
  w->addresses4[1] = w->flow.new_source.word[3];
  w->ports[0] = w->flow.new_destination_port;
  w->ports[1] = w->flow.new_source_port;
  w->of_addresses = address_change(&before->destination, &w->flow.new_destination, ipv6) +
                    address_change(&before->source, &w->flow.new_source, ipv6);
  w->of_ports = change_of(before->destination_port, w->flow.new_destination_port) +
                change_of(before->source_port, w->flow.new_source_port);
}

static __always_inline bool find_error(struct packet* p, struct error_work* w, const bool ipv6) {
  if (!(ipv6 ? parse_ipv6(p) : parse_ipv4(p)) || !p->is_icmp || !is_icmp_error(p, ipv6))
    return false;
  if (!parse_inner(p, ipv6, &w->inner)) return false;
  if (!find_flow(&w->inner.answers, w->inner.protocol, ipv6, &w->flow)) return false;
  w->tuple = p->tuple;
  w->l4 = p->l4;
  w->length = p->length;
  w->hop_limit = p->hop_limit;
  w->ipv6 = ipv6;
  w->outer.state = w->flow.state;
  w->outer.new_destination = w->flow.new_destination;
  w->outer.new_source = same_address(&p->tuple.source, &w->inner.answers.source, ipv6)
                            ? w->flow.new_source
                            : p->tuple.source;
  set_changes(w, ipv6);
  return true;
}

/// First step: is it about one of our flows? Then the rest of `error_works` says which.
static __always_inline int find(void* ctx, const enum fl_hook hook, const bool has_mac) {
  struct packet p = {.ctx = ctx, .hook = hook, .has_mac = has_mac};
  struct error_work* w = error_work_of_this_cpu();
  if (!w) return false;
  begin_error(&p);
  return ether_type(&p) == bpf_htons(ETH_P_IPV6) ? find_error(&p, w, true)
                                                 : find_error(&p, w, false);
}

static __always_inline int translate_error(struct packet* p, const struct fl_config* node,
                                           struct error_work* w, const bool ipv6) {
  const int end = route_error(p, node, &w->outer, ipv6, &w->route);
  if (end != CONTINUE) return end;
  const bool by_us =
      p->hook != FL_HOOK_TC_EGRESS && (w->route.way == WAY_LINK || w->route.way == WAY_NEIGHBOUR);
  checksum_change within = 0;
  if (!rewrite_inner(p, w, ipv6, &within) || !rewrite_error(p, w, within, by_us, ipv6))
    return drop_verdict(p);
  return p->hook == FL_HOOK_TC_EGRESS ? pass(p) : forward(p, &w->route, false);
}

/// Second step: the hook's verdict.
static __always_inline int translate(void* ctx, const enum fl_hook hook, const bool has_mac) {
  struct packet p = {.ctx = ctx, .hook = hook, .has_mac = has_mac};
  const struct fl_config* node = node_config();
  struct error_work* w = error_work_of_this_cpu();
  if (!node || !w || w->l4 >= 0x4000) return drop_verdict(&p);
  begin_error(&p);
  p.l4 = w->l4;
  p.length = w->length;
  p.hop_limit = w->hop_limit;
  p.tuple = w->tuple;
  if (w->ipv6) {
    p.protocol = IPPROTO_ICMPV6;
    return translate_error(&p, node, w, true);
  }
  p.protocol = IPPROTO_ICMP;
  return translate_error(&p, node, w, false);
}

// Functions of their own, for their stack and for the verifier; a program has one pair of them.
__noinline int find_error_xdp(struct xdp_md* ctx) { return find(ctx, FL_HOOK_XDP, true); }
__noinline int translate_error_xdp(struct xdp_md* ctx) { return translate(ctx, FL_HOOK_XDP, true); }
#define FL_TRANSLATE_IN_TC(name, hook, has_mac)                                                \
  __noinline int find_error_##name(struct __sk_buff* ctx) { return find(ctx, hook, has_mac); } \
  __noinline int translate_error_##name(struct __sk_buff* ctx) {                               \
    return translate(ctx, hook, has_mac);                                                      \
  }                                                                                            \
  static __always_inline int name(struct __sk_buff* ctx) {                                     \
    return find_error_##name(ctx) ? translate_error_##name(ctx) : CONTINUE;                    \
  }
FL_TRANSLATE_IN_TC(error_at_ingress, FL_HOOK_TC_INGRESS, true)
FL_TRANSLATE_IN_TC(error_at_egress, FL_HOOK_TC_EGRESS, true)
FL_TRANSLATE_IN_TC(error_at_ingress_l3, FL_HOOK_TC_INGRESS, false)
FL_TRANSLATE_IN_TC(error_at_egress_l3, FL_HOOK_TC_EGRESS, false)

/// CONTINUE: not an error, or not of a flow of ours. `p->is_icmp` holds.
static __always_inline int translate_icmp_error(struct packet* p) {
  if (p->is_fragment || p->dry) return CONTINUE;
  if (p->hook == FL_HOOK_XDP)
    return find_error_xdp(p->ctx) ? translate_error_xdp(p->ctx) : CONTINUE;
  if (p->hook == FL_HOOK_TC_INGRESS)
    return p->has_mac ? error_at_ingress(p->ctx) : error_at_ingress_l3(p->ctx);
  return p->has_mac ? error_at_egress(p->ctx) : error_at_egress_l3(p->ctx);
}
