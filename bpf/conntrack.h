// Flows that Linux conntrack translates: of kube-proxy, or of our own nftables datapath.
#pragma once

#include "packet.h"

/// As the kernel has it up to Linux 6.11; later ones take this size as well.
struct bpf_ct_opts {
  __s32 netns_id;
  __s32 error;
  __u8 l4proto;
  __u8 dir;
  __u8 reserved[2];
};
struct nf_conn {
  unsigned long status;
} __attribute__((preserve_access_index));

extern struct nf_conn* bpf_skb_ct_lookup(struct __sk_buff* ctx, struct bpf_sock_tuple* tuple,
                                         __u32 tuple_size, struct bpf_ct_opts* options,
                                         __u32 options_size) __weak __ksym;
extern struct nf_conn* bpf_xdp_ct_lookup(struct xdp_md* ctx, struct bpf_sock_tuple* tuple,
                                         __u32 tuple_size, struct bpf_ct_opts* options,
                                         __u32 options_size) __weak __ksym;
extern void bpf_ct_release(struct nf_conn* connection) __weak __ksym;

#define FL_CT_CONFIRMED (1 << 3) /* IPS_CONFIRMED of linux/netfilter/nf_conntrack_common.h */
#define FL_CT_SRC_NAT (1 << 4)   /* IPS_SRC_NAT */
#define FL_CT_DST_NAT (1 << 5)   /* IPS_DST_NAT */

/// The packet's own, or its answer's.
static __always_inline __u32 conntrack_tuple(const struct packet* p, const bool answer,
                                             const bool ipv6, struct bpf_sock_tuple* out) {
  const struct fl_address* from = answer ? &p->tuple.destination : &p->tuple.source;
  const struct fl_address* to = answer ? &p->tuple.source : &p->tuple.destination;
  const __be16 from_port = answer ? p->tuple.destination_port : p->tuple.source_port;
  const __be16 to_port = answer ? p->tuple.source_port : p->tuple.destination_port;
  if (!ipv6) {
    out->ipv4.saddr = from->word[3];
    out->ipv4.daddr = to->word[3];
    out->ipv4.sport = from_port;
    out->ipv4.dport = to_port;
    return sizeof(out->ipv4);
  }
  __builtin_memcpy(out->ipv6.saddr, from, sizeof(out->ipv6.saddr));
  __builtin_memcpy(out->ipv6.daddr, to, sizeof(out->ipv6.daddr));
  out->ipv6.sport = from_port;
  out->ipv6.dport = to_port;
  return sizeof(out->ipv6);
}

struct conntrack_question {
  struct bpf_sock_tuple tuple;
  struct bpf_ct_opts options;
};

/// IPS_… of the connection that the packet, or its answer, is of, in either direction; 0: conntrack
/// has none.
static __always_inline unsigned long conntrack_status(const struct packet* p, const bool answer,
                                                      const bool ipv6,
                                                      struct conntrack_question* q) {
  if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP) return 0;
  __builtin_memset(&q->options, 0, sizeof(q->options));
  q->options.netns_id = BPF_F_CURRENT_NETNS;
  q->options.l4proto = p->protocol;
  const __u32 size = conntrack_tuple(p, answer, ipv6, &q->tuple);
  struct nf_conn* connection =
      p->hook == FL_HOOK_XDP
          ? bpf_xdp_ct_lookup(p->ctx, &q->tuple, size, &q->options, sizeof(q->options))
          : bpf_skb_ct_lookup(p->ctx, &q->tuple, size, &q->options, sizeof(q->options));
  if (!connection) return 0;
  const unsigned long status = connection->status;
  bpf_ct_release(connection);
  return status;
}

/// Is the packet of a connection to a Service that conntrack translates?
static __always_inline bool conntrack_owns(const struct packet* p, const struct fl_config* node,
                                           const bool ipv6, struct conntrack_question* q) {
  if (!constants.has_ct_lookup || !node->neighbour_conntrack) return false;
  const unsigned long status = conntrack_status(p, false, ipv6, q);
  return (status & FL_CT_DST_NAT) && (status & FL_CT_CONFIRMED);
}

/// Does conntrack translate the packet (or what would answer it), for whomever?
static __always_inline bool conntrack_translates(const struct packet* p, const bool answer,
                                                 const bool ipv6, struct conntrack_question* q) {
  return constants.has_ct_lookup &&
         (conntrack_status(p, answer, ipv6, q) & (FL_CT_SRC_NAT | FL_CT_DST_NAT));
}
