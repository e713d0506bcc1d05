// One packet while a program works on it, and the parser that fills it in.
//
//   frame -> Ethernet or none -> IPv4 with options | IPv6 with extension headers -> ports
//
// `hook`, `has_mac` and `dry` are constants of the program: branches on them cost nothing. Every
// access goes through ensure(), which pulls headers of a non-linear skb; pointers into the packet
// are void after it and after any helper that changes the packet.
#pragma once

#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "address.h"
#include "maps.h"

/// What a step returns when the next one shall go on; anything else is what the program returns.
enum { CONTINUE = -1000 };

/// What is to become of a packet.
enum outcome {
  GO_ON,      // with the next step
  FOLLOW,     // another packet's flow, which the table knows by now
  UNTOUCHED,  // to whoever comes after us
  DONE,       // `verdict` says what the program returns
  ANSWER_REFUSED,
  ANSWER_TOO_BIG,
  DROP_FIRST = 16,  // enum fl_drop counts from here
};

struct tuple {
  struct fl_address source, destination;
  __be16 source_port, destination_port;
};

enum tcp_flags { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct packet {
  void* ctx;  // struct xdp_md or struct __sk_buff, by hook
  void *data, *data_end;
  enum fl_hook hook;
  bool has_mac;
  bool dry;      // fairlead_explain: leaves no trace in any table
  int verdict;   // once DONE
  bool linear;   // tc: all of the skb was pulled, so ensure() need not
  __u32 tunnel;  // not 0: it is inside of what came, as if it had come by the link of this index

  __u32 l3, l4;            // offsets from `data`
  __u32 length;            // of the IP packet, header included; of an aggregated skb the whole
  __u8 protocol;           // of the transport header
  __u8 tcp_flags;          // enum tcp_flags; 0 unless TCP
  __u8 hop_limit;          // or TTL
  bool is_fragment;        // first or later
  bool is_later_fragment;  // has no ports of its own
  bool dont_fragment;      // always with IPv6
  bool is_icmp;            // of the packet's family: `tuple` has no ports
  __be32 fragment_id;
  struct tuple tuple;
};

#define FL_ETHERNET_BYTES 14
#define FL_ICMP_BYTES 8
#define FL_EXTENSION_HEADERS 6 /* of IPv6; packets with more are not ours */

/// To the programs after us and to the host's stack.
static __always_inline int pass(const struct packet* p) {
  // TCX_NEXT, which is TC_ACT_UNSPEC below Linux 6.6: other programs see the packet as well.
  return p->hook == FL_HOOK_XDP ? XDP_PASS : TC_ACT_UNSPEC;
}

static __always_inline enum outcome done(struct packet* p, int verdict) {
  p->verdict = verdict;
  return DONE;
}

static __always_inline int drop_verdict(const struct packet* p) {
  return p->hook == FL_HOOK_XDP ? XDP_DROP : TC_ACT_SHOT;
}

static __always_inline struct __sk_buff* skb_of(const struct packet* p) { return p->ctx; }
static __always_inline struct xdp_md* xdp_of(const struct packet* p) { return p->ctx; }

static __always_inline __u32 ingress_interface(const struct packet* p) {
  if (p->tunnel) return p->tunnel;
  return p->hook == FL_HOOK_XDP ? xdp_of(p)->ingress_ifindex : skb_of(p)->ifindex;
}

/// Reads `data` and `data_end` anew, after a helper that may have changed them.
static __always_inline void reload(struct packet* p) {
  if (p->hook == FL_HOOK_XDP) {
    p->data = (void*)(long)xdp_of(p)->data;
    p->data_end = (void*)(long)xdp_of(p)->data_end;
  } else {
    p->data = (void*)(long)skb_of(p)->data;
    p->data_end = (void*)(long)skb_of(p)->data_end;
  }
}

/// NULL: the packet has no `bytes` at `offset`. Headers that lie outside of an skb's linear part
/// are pulled, so pointers got before are void.
static __always_inline void* ensure(struct packet* p, __u32 offset, __u32 bytes) {
  if (p->hook != FL_HOOK_XDP && p->data + offset + bytes > p->data_end) {
    bpf_skb_pull_data(skb_of(p), offset + bytes);  // if it fails the next line notices
    reload(p);
  }
  void* start = p->data + offset;
  asm volatile("" : "+r"(start));  // what is checked is what is used, not computed a second time
  return start + bytes <= p->data_end ? start : NULL;
}

static __always_inline __be16 ether_type(struct packet* p) {
  // A tag that is kept beside the skb: the VLAN's own link brings the packet once more, without it.
  if (p->hook != FL_HOOK_XDP) return skb_of(p)->vlan_present ? 0 : skb_of(p)->protocol;
  const struct ethhdr* ethernet = ensure(p, 0, sizeof(*ethernet));
  return ethernet ? ethernet->h_proto : 0;
}

/// Is the transport header a part of the IP packet, and not of what pads the frame?
static __always_inline bool has_transport(struct packet* p, const __u32 bytes) {
  if (p->length >= p->l4 - p->l3 + bytes) return true;
  // An aggregate of more than 64 KiB has no length in its header ("BIG TCP").
  if (p->hook == FL_HOOK_XDP || !skb_of(p)->gso_size) return false;
  p->length = skb_of(p)->len - p->l3;
  return true;
}

/// False: no transport header of ours, or cut off.
static __always_inline bool parse_transport(struct packet* p, const bool ipv6) {
  if (p->protocol == IPPROTO_TCP) {
    const struct tcphdr* tcp = ensure(p, p->l4, sizeof(*tcp));
    if (!tcp || !has_transport(p, sizeof(*tcp))) return false;
    p->tuple.source_port = tcp->source;
    p->tuple.destination_port = tcp->dest;
    p->tcp_flags = ((const __u8*)tcp)[13];
    return true;
  }
  if (p->protocol == (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
    p->is_icmp = true;
    return ensure(p, p->l4, FL_ICMP_BYTES) && has_transport(p, FL_ICMP_BYTES);
  }
  if (p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_SCTP) return false;
  const struct udphdr* ports = ensure(p, p->l4, sizeof(*ports));  // SCTP begins with ports as well
  if (!ports || !has_transport(p, sizeof(*ports))) return false;
  p->tuple.source_port = ports->source;
  p->tuple.destination_port = ports->dest;
  return true;
}

static __always_inline bool parse_ipv4(struct packet* p) {
  const struct iphdr* ip = ensure(p, p->l3, sizeof(*ip));
  if (!ip || ip->version != 4 || ip->ihl < 5) return false;
  const __u16 offset = bpf_ntohs(ip->frag_off);
  p->l4 = p->l3 + ip->ihl * 4;
  p->length = bpf_ntohs(ip->tot_len);
  p->protocol = ip->protocol;
  p->hop_limit = ip->ttl;
  p->dont_fragment = offset & 0x4000;
  p->is_fragment = offset & 0x3fff;
  p->is_later_fragment = offset & 0x1fff;
  p->fragment_id = ip->id;
  p->tuple.source = address_of_v4(ip->saddr);
  p->tuple.destination = address_of_v4(ip->daddr);
  if (p->is_later_fragment) return p->length > ip->ihl * 4U;
  return parse_transport(p, false);
}

/// Walks to the transport header; false: there is none that we know, or too many stand before it.
static __always_inline bool skip_extension_headers(struct packet* p) {
  for (int i = 0; i <= FL_EXTENSION_HEADERS; ++i) {
    if (p->protocol != IPPROTO_HOPOPTS && p->protocol != IPPROTO_ROUTING &&
        p->protocol != IPPROTO_DSTOPTS && p->protocol != IPPROTO_FRAGMENT)
      return true;
    const __u8* header = ensure(p, p->l4, 8);
    if (!header) return false;
    const bool fragment = p->protocol == IPPROTO_FRAGMENT;
    // Segments left: another destination comes after this one, and the checksum is of that.
    if (p->protocol == IPPROTO_ROUTING && header[3]) return false;
    p->protocol = header[0];
    p->l4 += fragment ? 8 : (header[1] + 1) * 8;
    if (!fragment) continue;
    const __u16 offset = bpf_ntohs(*(const __be16*)(header + 2));
    p->is_fragment = true;
    p->fragment_id = *(const __be32*)(header + 4);
    if (offset & 0xfff8) {
      p->is_later_fragment = true;
      return true;
    }
  }
  return false;
}

static __always_inline bool parse_ipv6(struct packet* p) {
  const struct ipv6hdr* ip = ensure(p, p->l3, sizeof(*ip));
  if (!ip || ip->version != 6) return false;
  p->l4 = p->l3 + sizeof(*ip);
  p->length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
  p->protocol = ip->nexthdr;
  p->hop_limit = ip->hop_limit;
  p->dont_fragment = true;
  __builtin_memcpy(&p->tuple.source, &ip->saddr, sizeof(p->tuple.source));
  __builtin_memcpy(&p->tuple.destination, &ip->daddr, sizeof(p->tuple.destination));
  if (!skip_extension_headers(p)) return false;
  return p->is_later_fragment || parse_transport(p, true);
}

/// Takes what was parsed through memory. The verifier then knows no longer by which of the parser's
/// ways a packet came, and walks the steps that follow once instead of once for each.
static __always_inline void settle(struct packet* p, __u64* memory) {
  *(volatile __u64*)memory = p->protocol | (__u64)p->tcp_flags << 8 | (__u64)p->hop_limit << 16 |
                             (__u64)p->is_fragment << 24 | (__u64)p->is_later_fragment << 25 |
                             (__u64)p->dont_fragment << 26 | (__u64)p->l4 << 32;
  const __u64 facts = *(volatile __u64*)memory;
  p->protocol = (__u8)facts;
  p->tcp_flags = (__u8)(facts >> 8);
  p->hop_limit = (__u8)(facts >> 16);
  p->is_fragment = facts >> 24 & 1;
  p->is_later_fragment = facts >> 25 & 1;
  p->dont_fragment = facts >> 26 & 1;
  p->l4 = (__u32)(facts >> 32) & 0x3fff;  // more than the longest chain of headers
  reload(p);
}
