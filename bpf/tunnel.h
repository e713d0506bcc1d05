// VXLAN (RFC 7348) over IPv4 without its device, for packets between pods: what the device would do
// to them, at once.
//
//   a pod's packet -> encapsulate() -> out of the underlay's link
//   the underlay's link -> open_tunnel(): is a pod's packet inside? -> decapsulate() -> into the
//   pod
//
// All else is the device's: whom no flow of pods is behind, what arrives aggregated, IPv6 inside of
// what arrives, a UDP checksum, congestion that was noted on the way (RFC 6040).
#pragma once

#include "abi/pods.h"
#include "checksum.h"
#include "packet.h"

FL_MAP(tunnel, BPF_MAP_TYPE_ARRAY, 0, __u32, struct fl_tunnel);
FL_MAP(tunnel_nodes, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct fl_tunnel_node, __be32);

struct vxlan_header {
  __be32 flags, vni;
};
#define FL_VXLAN_HAS_VNI bpf_htonl(0x08000000)
#define FL_VXLAN_HOPS 64
/// From the underlay's IP header to the one inside.
#define FL_TUNNEL_BYTES \
  (sizeof(struct iphdr) + sizeof(struct udphdr) + sizeof(struct vxlan_header) + FL_ETHERNET_BYTES)
#define FL_ECN 3
#define FL_ECN_CONGESTED 3
#define FL_ECN_CAPABLE 2 /* ECT(0) */

/// Who has the other end: what a flow needs to go through the tunnel.
struct tunnel_end {
  __be32 node;
  __u32 interface;
  __u8 macs[12];       // of the underlay: destination and source
  __be16 source_port;  // of UDP: what tells the flow from others on the way
  __u16 id;            // of the last IP packet
};

static __always_inline const struct fl_tunnel* own_tunnel(void) {
  __u32 zero = 0;
  const struct fl_tunnel* found = bpf_map_lookup_elem(&tunnel, &zero);
  return found && found->interface ? found : NULL;
}

/// The node whose VXLAN device has the MAC address; 0: none.
static __always_inline __be32 node_of_device(const __u8* mac) {
  struct fl_tunnel_node key = {};
  __builtin_memcpy(key.mac, mac, sizeof(key.mac));
  const __be32* node = bpf_map_lookup_elem(&tunnel_nodes, &key);
  return node ? *node : 0;
}

/// The underlay's route to `node`. Returns the largest IP packet that fits inside; 0: not now.
static __always_inline __u32 find_tunnel_end(struct packet* p, const struct fl_tunnel* own,
                                             __be32 node, struct bpf_fib_lookup* lookup,
                                             struct tunnel_end* end) {
  __builtin_memset(lookup, 0, sizeof(*lookup));
  lookup->family = 2;  // AF_INET
  lookup->l4_protocol = IPPROTO_UDP;
  lookup->sport = end->source_port;
  lookup->dport = own->port;
  lookup->ifindex = own->underlay;
  lookup->ipv4_src = own->local;
  lookup->ipv4_dst = node;
  if (bpf_fib_lookup(p->ctx, lookup, sizeof(*lookup), BPF_FIB_LOOKUP_OUTPUT)) return 0;
  if (lookup->ifindex != own->underlay || lookup->mtu_result <= FL_TUNNEL_BYTES) return 0;
  end->node = node;
  end->interface = lookup->ifindex;
  __builtin_memcpy(end->macs, lookup->dmac, 6);
  __builtin_memcpy(end->macs + 6, lookup->smac, 6);
  return lookup->mtu_result - FL_TUNNEL_BYTES;
}

// ---- out ----

struct tunnel_head {
  __u16 pad;
  __u8 macs[12];
  __be16 type;
  struct iphdr ip;
  struct udphdr udp;
  struct vxlan_header vxlan;
  __u8 inner_macs[12];
  __be16 inner_type;
};
/// What the packet has, but congestion that it met before is its own (RFC 6040, compatibility of
/// 4.1: as Linux has it).
static __always_inline __u8 outer_ecn(struct packet* p, const bool ipv6) {
  const __u8* ip = ensure(p, FL_ETHERNET_BYTES, 2);
  if (!ip) return 0;
  const __u8 ecn = (ipv6 ? ip[1] >> 4 : ip[1]) & FL_ECN;
  return ecn == FL_ECN_CONGESTED ? FL_ECN_CAPABLE : ecn;
}

static __always_inline void fill_outer_ip(struct iphdr* ip, const struct fl_tunnel* own,
                                          struct tunnel_end* end, __u16 length, __u8 ecn) {
  __u32* words = (__u32*)ip;
  words[0] = bpf_htonl(0x45000000 | (__u32)ecn << 16 | length);
  words[1] = (__u32)bpf_htons(++end->id);  // and may be fragmented, as the device's may
  words[2] = bpf_htonl(FL_VXLAN_HOPS << 24 | IPPROTO_UDP << 16);
  words[3] = own->local;
  words[4] = end->node;
  ip->check = ~fold16((__u64)words[0] + words[1] + words[2] + words[3] + words[4]);
}

/// Of the packet with its hop limit as it leaves this node. `macs`: of the tunnel's devices;
/// `head`: memory. False: the packet may be broken.
static __always_inline bool encapsulate(struct packet* p, const struct fl_tunnel* own,
                                        struct tunnel_end* end, const __u8* macs, __u8 ecn,
                                        const bool ipv6, struct tunnel_head* head) {
  const __u16 length = p->length + FL_TUNNEL_BYTES;
  fill_outer_ip(&head->ip, own, end, length, ecn);
  __builtin_memcpy(head->macs, end->macs, sizeof(head->macs));
  head->type = bpf_htons(ETH_P_IP);
  head->udp.source = end->source_port;
  head->udp.dest = own->port;
  head->udp.len = bpf_htons(length - sizeof(struct iphdr));
  head->udp.check = 0;  // RFC 7348, 5: SHOULD be
  head->vxlan.flags = FL_VXLAN_HAS_VNI;
  head->vxlan.vni = own->vni;
  __builtin_memcpy(head->inner_macs, macs, sizeof(head->inner_macs));
  head->inner_type = ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
  const __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 |
                      BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
                      BPF_F_ADJ_ROOM_ENCAP_L2(FL_ETHERNET_BYTES);
  return !bpf_skb_adjust_room(skb_of(p), FL_TUNNEL_BYTES, BPF_ADJ_ROOM_MAC, flags) &&
         !bpf_skb_store_bytes(skb_of(p), 0, head->macs, FL_ETHERNET_BYTES + FL_TUNNEL_BYTES, 0);
}

// ---- in ----

/// Is there an IPv4 packet in the frame, by our tunnel, for this node? Its offset is then `p->l3`,
/// and `sender` who says to have sent it.
static __always_inline bool open_tunnel(struct packet* p, const struct fl_tunnel* own,
                                        __be32* sender) {
  const struct {
    struct iphdr ip;
    struct udphdr udp;
    struct vxlan_header vxlan;
    __u8 macs[12];
    __be16 type;
    struct iphdr inner;
  } __attribute__((packed))* head = ensure(p, FL_ETHERNET_BYTES, sizeof(*head));
  if (!head || *(const __u8*)&head->ip != 0x45 || head->ip.protocol != IPPROTO_UDP) return false;
  if (head->udp.dest != own->port || head->udp.check) return false;
  if (head->ip.daddr != own->local || head->ip.frag_off & bpf_htons(0x3fff)) return false;
  if (head->vxlan.flags != FL_VXLAN_HAS_VNI || head->vxlan.vni != own->vni) return false;
  if (head->type != bpf_htons(ETH_P_IP) || (head->ip.tos & FL_ECN) == FL_ECN_CONGESTED)
    return false;
  if (__builtin_memcmp(head->macs, own->mac, sizeof(own->mac))) return false;
  if (bpf_ntohs(head->ip.tot_len) != bpf_ntohs(head->inner.tot_len) + FL_TUNNEL_BYTES) return false;
  *sender = head->ip.saddr;
  p->tunnel = own->interface;
  p->l3 = FL_ETHERNET_BYTES + FL_TUNNEL_BYTES;
  return true;
}

/// Leaves the packet inside behind the frame's MAC header. False: the packet may be broken.
static __always_inline bool decapsulate(struct packet* p) {
  if (bpf_skb_adjust_room(skb_of(p), -(int)FL_TUNNEL_BYTES, BPF_ADJ_ROOM_MAC,
                          BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET))
    return false;
  // What a device has verified first was UDP's, which says nothing of the checksum inside.
  bpf_csum_level(skb_of(p), BPF_CSUM_LEVEL_DEC);
  p->l3 = FL_ETHERNET_BYTES;
  reload(p);
  return true;
}
