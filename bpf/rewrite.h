// A packet's addresses, ports, TTL and checksums, from what it came with to what its flow says.
//
// XDP writes the packet itself. In tc an skb may be shared, and its checksum may be left to the
// hardware (CHECKSUM_PARTIAL: the sum of the pseudo header only) or have been taken by it
// (CHECKSUM_COMPLETE): there the helpers do it, which know.
#pragma once

#include "checksum.h"
#include "flows.h"
#include "sctp.h"

struct rewriting {
  checksum_change addresses, ports;
  bool forward;  // by us: the TTL goes down
};

static __always_inline checksum_change address_change(const struct fl_address* before,
                                                      const struct fl_address* after,
                                                      const bool ipv6) {
  checksum_change change = change_of(before->word[3], after->word[3]);
  if (!ipv6) return change;
  return change + change_of(before->word[0], after->word[0]) +
         change_of(before->word[1], after->word[1]) + change_of(before->word[2], after->word[2]);
}

static __always_inline __u32 checksum_offset(__u8 protocol) {
  return protocol == IPPROTO_TCP ? 16 : 6;
}

/// The IPv4 header from TTL to destination, with its checksum; or IPv6 from hop limit.
struct ipv4_tail {
  __u8 ttl, protocol;
  __u16 check;
  __be32 source, destination;
};
struct ipv6_tail {
  __u8 hop_limit;
  __be32 source[4], destination[4];
} __attribute__((packed));
/// A frame with an IPv4 header that has no options, up to the ports.
struct ipv4_head {
  __u16 pad;  // so that the header is aligned
  __u8 macs[12];
  __be16 type;
  struct iphdr ip;
  __be16 ports[2];
};
/// In memory that is not the stack's.
union address_tail {
  struct ipv4_tail v4;
  struct ipv6_tail v6;
  struct ipv4_head head;
};

static __always_inline bool rewrite_ipv4(struct packet* p, const struct flow* flow,
                                         const struct rewriting* how, struct ipv4_tail* tail) {
  struct ipv4_tail* at = ensure(p, p->l3 + 8, sizeof(*at));
  if (!at) return false;
  const __u8 ttl = at->ttl - how->forward;
  // The TTL is the low byte of its word, as it lies in memory.
  const checksum_change change = how->addresses + change_of(at->ttl, ttl);
  struct ipv4_tail* out = p->hook == FL_HOOK_XDP ? at : tail;
  out->check = changed_checksum(at->check, change);
  out->protocol = at->protocol;
  out->ttl = ttl;
  out->source = flow->new_source.word[3];
  out->destination = flow->new_destination.word[3];
  return p->hook == FL_HOOK_XDP ||
         bpf_skb_store_bytes(skb_of(p), p->l3 + 8, tail, sizeof(*tail), 0) == 0;
}

static __always_inline bool rewrite_ipv6(struct packet* p, const struct flow* flow,
                                         const struct rewriting* how, struct ipv6_tail* tail) {
  struct ipv6_tail* out = p->hook == FL_HOOK_XDP ? ensure(p, p->l3 + 7, sizeof(*tail)) : tail;
  if (!out) return false;
  out->hop_limit = p->hop_limit - how->forward;
  __builtin_memcpy(out->source, &flow->new_source, sizeof(out->source));
  __builtin_memcpy(out->destination, &flow->new_destination, sizeof(out->destination));
  // The IPv6 header has no checksum that would make good for what changes in it.
  return p->hook == FL_HOOK_XDP ||
         bpf_skb_store_bytes(skb_of(p), p->l3 + 7, tail, sizeof(*tail), BPF_F_RECOMPUTE_CSUM) == 0;
}

static __always_inline bool rewrite_transport_xdp(struct packet* p, const struct flow* flow,
                                                  const struct rewriting* how) {
  __be16* ports = ensure(p, p->l4, 4);
  if (!ports) return false;
  ports[0] = flow->new_source_port;
  ports[1] = flow->new_destination_port;
  if (p->protocol == IPPROTO_TCP) {
    __u16* check = ensure(p, p->l4 + 16, 2);
    if (!check) return false;
    *check = changed_checksum(*check, how->addresses + how->ports);
  } else if (p->protocol == IPPROTO_UDP) {
    __u16* check = ensure(p, p->l4 + 6, 2);
    if (!check) return false;
    if (*check == 0) return true;  // the sender left it out (RFC 768, RFC 6935)
    const __u16 sum = changed_checksum(*check, how->addresses + how->ports);
    *check = sum ? sum : 0xffff;
  } else {
    return change_sctp_checksum(p, flow->new_source_port, flow->new_destination_port);
  }
  return true;
}

/// `are_written`: the ports. What is left is the checksum.
static __always_inline bool rewrite_transport_skb(struct packet* p, const struct flow* flow,
                                                  const struct rewriting* how, bool are_written) {
  const __be16 ports[2] = {flow->new_source_port, flow->new_destination_port};
  const bool same_ports = ports[0] == p->tuple.source_port && ports[1] == p->tuple.destination_port;
  if (!same_ports && !are_written && bpf_skb_store_bytes(skb_of(p), p->l4, ports, sizeof(ports), 0))
    return false;
  if (p->protocol == IPPROTO_SCTP) return change_sctp_checksum(p, ports[0], ports[1]);
  const __u64 flags = p->protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
  const __u32 check = p->l4 + checksum_offset(p->protocol);
  if (bpf_l4_csum_replace(skb_of(p), check, 0, fold32(how->addresses), flags | BPF_F_PSEUDO_HDR))
    return false;
  return same_ports || bpf_l4_csum_replace(skb_of(p), check, 0, fold32(how->ports), flags) == 0;
}

/// tc, IPv4 without options: MAC addresses, addresses and ports by one call of the kernel instead
/// of three. `macs`: destination and source, or NULL.
static __always_inline bool rewrite_head(struct packet* p, const struct flow* flow,
                                         const struct rewriting* how, const __u8* macs,
                                         struct ipv4_head* head) {
  const struct iphdr* ip = ensure(p, p->l3, sizeof(*ip));
  if (!ip) return false;
  head->ip = *ip;
  head->ip.ttl = ip->ttl - how->forward;
  head->ip.check = changed_checksum(ip->check, how->addresses + change_of(ip->ttl, head->ip.ttl));
  head->ip.saddr = flow->new_source.word[3];
  head->ip.daddr = flow->new_destination.word[3];
  head->ports[0] = flow->new_source_port;
  head->ports[1] = flow->new_destination_port;
  const __u32 bytes = sizeof(head->ip) + (p->is_later_fragment ? 0 : sizeof(head->ports));
  if (!macs) return bpf_skb_store_bytes(skb_of(p), p->l3, &head->ip, bytes, 0) == 0;
  __builtin_memcpy(head->macs, macs, sizeof(head->macs));
  head->type = bpf_htons(ETH_P_IP);
  return bpf_skb_store_bytes(skb_of(p), 0, head->macs, FL_ETHERNET_BYTES + bytes, 0) == 0;
}

static __always_inline bool has_plain_head(const struct packet* p, const bool ipv6) {
  return p->hook != FL_HOOK_XDP && !ipv6 && p->l4 == p->l3 + sizeof(struct iphdr);
}

/// `forward`: it leaves by us and not through the host's stack. `macs`: its new MAC addresses,
/// which are written where has_plain_head() says so; may be NULL. False: the packet is half written
/// and must be dropped (an skb out of memory).
static __always_inline bool rewrite(struct packet* p, const struct flow* flow, bool forward,
                                    const __u8* macs, union address_tail* tail, const bool ipv6) {
  struct rewriting how = {.forward = forward};
  how.addresses = address_change(&p->tuple.source, &flow->new_source, ipv6) +
                  address_change(&p->tuple.destination, &flow->new_destination, ipv6);
  how.ports = change_of((__u32)p->tuple.source_port, (__u32)flow->new_source_port) +
              change_of((__u32)p->tuple.destination_port, (__u32)flow->new_destination_port);
  const bool plain = has_plain_head(p, ipv6);
  const bool written = plain  ? rewrite_head(p, flow, &how, macs, &tail->head)
                       : ipv6 ? rewrite_ipv6(p, flow, &how, &tail->v6)
                              : rewrite_ipv4(p, flow, &how, &tail->v4);
  if (!written) return false;
  if (p->is_later_fragment) return true;
  return p->hook == FL_HOOK_XDP ? rewrite_transport_xdp(p, flow, &how)
                                : rewrite_transport_skb(p, flow, &how, plain);
}
