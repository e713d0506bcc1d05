// Packets from pod to pod that no Service concerns, past the host's stack.
//
//   plain packet -> pod_flows -- judged this second ----------> fits? -> MACs, hop limit ->
//   redirect
//                      '- else decide(): source, destination, conntrack, route -^
//
// What is not plain (options, fragments, ICMP errors, protocols without ports), does not fit or has
// no hop left is the stack's, which answers it or knows more. A flow is judged anew each tick, and
// at once when the agent has changed what it knows of pods. Each CPU has flows of its own: nothing
// is locked, and programs of packets do not interrupt each other.
//
// Through a tunnel (tunnel.h) it is the same: what is inside counts, and comes by the device.
#pragma once

#include "abi/pods.h"
#include "conntrack.h"
#include "nat.h"
#include "tunnel.h"

FL_MAP(pods, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, struct fl_address, struct fl_pod);
FL_MAP(pod_networks, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, struct fl_pod_network, __u8);

enum { ICMP4_ECHO_REPLY = 0, ICMP4_ECHO_REQUEST = 8 };
enum pod_way { POD_WAY_STACK, POD_WAY_LINK, POD_WAY_PEER, POD_WAY_TUNNEL };

struct pod_flow {
  __u64 key;  // fl_flow_key()
  struct fl_address source, destination;
  __u32 came_by;
  __u32 epoch, tick;  // when it was judged; epoch 0: never
  __u32 interface;
  __u16 mtu;
  __u8 macs[12];
  __u8 way;  // enum pod_way
  __u8 pad;
  __be32 sender;          // the node that it comes from by the tunnel; 0: none
  __u32 aggregate_tick;   // when the tunnel last brought one, for the device to open
  struct tunnel_end end;  // POD_WAY_TUNNEL
};

/// The beginning of a frame, as it is written: the stack has no room for it.
struct hop_head {
  __u16 pad;
  __u8 macs[12];
  __be16 type;
  __u32 first[2];
  __u8 ttl, protocol;
  __u16 check;
};
union head {
  struct hop_head hop;
  struct tunnel_head tunnel;
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, union head);
} heads SEC(".maps");

#define FL_POD_FLOW_BITS 11
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1 << FL_POD_FLOW_BITS);
  __type(key, __u32);
  __type(value, struct pod_flow);
} pod_flows SEC(".maps");

/// Who drains leaves packets to the datapath that comes after: they may be of its flows. Where
/// conntrack cannot be asked, it may own any flow.
static __always_inline bool forwards_pods(const struct packet* p, const struct fl_config* node) {
  return p->hook == FL_HOOK_TC_INGRESS && p->has_mac && !p->dry && constants.has_ct_lookup &&
         node->pods_epoch && node->mode == FL_MODE_ACTIVE && !node->forward_by_stack;
}

// ---- which packets ----

static __always_inline bool is_echo(struct packet* p, const bool ipv6) {
  const __u8* type = ensure(p, p->l4, 1);
  if (!type) return false;
  return ipv6 ? *type == ICMPV6_ECHO_REQUEST || *type == ICMPV6_ECHO_REPLY
              : *type == ICMP4_ECHO_REQUEST || *type == ICMP4_ECHO_REPLY;
}

/// Ours to forward, whoever sends it? Others on the link may be whom a frame is for.
static __always_inline bool is_plain(struct packet* p, const bool ipv6) {
  const __u32 header = ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
  const struct __sk_buff* skb = skb_of(p);
  if (skb->pkt_type != 0 /* PACKET_HOST */ || p->l4 != p->l3 + header) return false;
  if (p->is_fragment || p->hop_limit <= 1 || skb->len < p->l3 + p->length) return false;
  if (p->is_icmp) return is_echo(p, ipv6);
  return p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP;
}

// ---- which flows ----

static __always_inline struct pod_flow* pod_flow_of(const struct packet* p, __u64 key,
                                                    const bool ipv6) {
  __u64 hash = fl_flow_mix(key, p->tuple.source.word[3], p->tuple.destination.word[3]);
  if (ipv6) hash = fl_flow_mix(hash, p->tuple.source.word[2], p->tuple.destination.word[1]);
  __u32 index = hash >> (64 - FL_POD_FLOW_BITS);
  return bpf_map_lookup_elem(&pod_flows, &index);
}

/// UDP's, by which links on the way tell the flows in a tunnel apart (RFC 7348, 5).
static __always_inline __be16 tunnel_source_port(const struct packet* p, __u64 key) {
  const __u64 hash = fl_flow_mix(key, p->tuple.source.word[3], p->tuple.destination.word[3]);
  return bpf_htons(0xc000 | (hash >> 50));
}

/// Does the packet belong to a flow that is translated?
static __always_inline bool has_flow(const struct packet* p, __u64 key, const bool ipv6) {
  struct workspace* work = workspace_of(p);
  if (!work) return true;
  work->of.tuple = p->tuple;
  const __u64 hash = fl_flow_hash(&p->tuple.source, &p->tuple.destination, key, ipv6);
  return look_up_flow(&work->of.tuple, key, hash, ipv6, &work->of.flow);
}

/// A connection that begins is judged anew, and so is its answer: conntrack may own it, where it
/// did not own one of the same ports before.
static __always_inline bool is_judged(const struct pod_flow* flow, const struct packet* p,
                                      __u64 key, __u32 epoch, const bool ipv6) {
  const __u32 interface = ingress_interface(p);
  return flow->epoch == epoch && flow->tick == now_ticks() && flow->key == key &&
         flow->came_by == interface && !(p->tcp_flags & TCP_SYN) &&
         same_address(&flow->source, &p->tuple.source, true) &&
         same_address(&flow->destination, &p->tuple.destination, ipv6);
}

FL_GLOBAL int in_pod_networks(const struct fl_address* address) {
  if (!address) return false;
  struct fl_pod_network key;
  key.prefix_length = 128;
  key.address = *address;
  return bpf_map_lookup_elem(&pod_networks, &key) != NULL;
}

/// Would an answer go where the packet came from?
static __always_inline bool came_by_its_route(struct packet* p, const bool ipv6,
                                              struct bpf_fib_lookup* lookup) {
  __builtin_memset(lookup, 0, sizeof(*lookup));
  lookup->family = ipv6 ? FL_AF_INET6 : FL_AF_INET;
  lookup->l4_protocol = p->protocol;
  lookup->sport = p->tuple.destination_port;
  lookup->dport = p->tuple.source_port;
  lookup->ifindex = ingress_interface(p);
  if (ipv6) {
    __builtin_memcpy(lookup->ipv6_src, &p->tuple.destination, sizeof(lookup->ipv6_src));
    __builtin_memcpy(lookup->ipv6_dst, &p->tuple.source, sizeof(lookup->ipv6_dst));
  } else {
    lookup->ipv4_src = p->tuple.destination.word[3];
    lookup->ipv4_dst = p->tuple.source.word[3];
  }
  const long answer = bpf_fib_lookup(p->ctx, lookup, sizeof(*lookup), 0);
  return (answer == BPF_FIB_LKUP_RET_SUCCESS || answer == BPF_FIB_LKUP_RET_NO_NEIGH) &&
         lookup->ifindex == ingress_interface(p);
}

/// A pod of this node sends from its own address by its own link; any other pod of the cluster is
/// where the route to it leads: by the tunnel, on which node.
static __always_inline bool is_who_it_says(struct packet* p, struct pod_flow* flow,
                                           const struct fl_tunnel* own, const bool ipv6,
                                           struct workspace* work) {
  const struct fl_pod* from = bpf_map_lookup_elem(&pods, &flow->source);
  if (from) return from->interface == flow->came_by && !(from->flags & FL_POD_SHAPED);
  struct bpf_fib_lookup* lookup = &work->route.lookup;
  if (!in_pod_networks(&flow->source) || !came_by_its_route(p, ipv6, lookup)) return false;
  if (own && own->interface == flow->came_by) flow->sender = node_of_device(lookup->dmac);
  return true;
}

/// Instead of by the tunnel's device, if that is where the route leads.
static __always_inline void try_tunnel(struct packet* p, struct pod_flow* flow,
                                       const struct fl_tunnel* own, struct workspace* work) {
  const __be32 node = node_of_device(flow->macs);
  if (!node) return;
  const __u32 mtu = find_tunnel_end(p, own, node, &work->route.lookup, &flow->end);
  if (!mtu) {
    flow->tick =
        now_ticks() - 1;  // the underlay's neighbour is not known, so the device asks for it
    return;
  }
  if (mtu < flow->mtu) flow->mtu = mtu;
  flow->way = POD_WAY_TUNNEL;
}

/// Past the host's end of the pod's link, unless something there is to see the packet.
static __always_inline enum pod_way way_into_pod(const struct route* route,
                                                 const struct fl_pod* to) {
  if (!to) return POD_WAY_LINK;
  if (to->interface != route->lookup.ifindex) return POD_WAY_STACK;
  return route->to_peer && !(to->flags & FL_POD_SHAPED) ? POD_WAY_PEER : POD_WAY_LINK;
}

/// Fills `flow` in for the packet's; the way that this packet takes. What is of this packet alone
/// (too large, no neighbour yet) is not kept.
static __always_inline enum way decide(struct packet* p, struct pod_flow* flow, const bool ipv6,
                                       const bool tunnelled, struct workspace* work) {
  const struct fl_pod* to = bpf_map_lookup_elem(&pods, &flow->destination);
  const struct fl_tunnel* own = own_tunnel();
  flow->way = POD_WAY_STACK;
  if (!to && !in_pod_networks(&flow->destination)) return WAY_STACK;
  if (!is_who_it_says(p, flow, own, ipv6, work)) return WAY_STACK;
  if (conntrack_translates(p, false, ipv6, &work->of.conntrack)) return WAY_STACK;
  // A connection that was translated once, to where this one leads from the same port, has the
  // answers for two minutes after its end: the stack then takes another port for this one. What a
  // tunnel brought was another node's to translate.
  if (!tunnelled && conntrack_translates(p, true, ipv6, &work->of.conntrack)) return WAY_STACK;
  struct route* route = &work->route;
  find_route(p, &flow->destination, p->tuple.destination_port, ipv6, route);
  if (route->way == WAY_HOST) return WAY_STACK;
  if (route->way != WAY_LINK) {
    flow->epoch = 0;
    return route->way == WAY_NEIGHBOUR && !to ? WAY_NEIGHBOUR : WAY_STACK;
  }
  flow->interface = route->lookup.ifindex;
  flow->mtu = route->lookup.mtu_result;
  __builtin_memcpy(flow->macs, route->macs, sizeof(flow->macs));
  flow->way = way_into_pod(route, to);
  if (own && flow->way == POD_WAY_LINK && flow->interface == own->interface)
    try_tunnel(p, flow, own, work);
  return WAY_LINK;
}

static __always_inline enum way judge_pod_flow(struct packet* p, struct pod_flow* flow, __u64 key,
                                               __u32 epoch, const bool ipv6, const bool tunnelled) {
  struct workspace* work = workspace_of(p);
  if (!work) return WAY_STACK;
  if (flow->key != key || flow->came_by != ingress_interface(p)) flow->aggregate_tick = 0;
  flow->sender = 0;
  flow->end.source_port = tunnel_source_port(p, key);
  flow->key = key;
  flow->source = p->tuple.source;
  flow->destination = p->tuple.destination;
  flow->came_by = ingress_interface(p);
  flow->epoch = epoch;
  flow->tick = now_ticks();
  const enum way way = decide(p, flow, ipv6, tunnelled, work);
  if (way != WAY_NEIGHBOUR) return way;
  count(FL_COUNT_PODS_FORWARDED);
  return WAY_NEIGHBOUR;
}

// ---- where to ----

/// The frame's beginning, with MAC addresses and hop limit as they leave, by one call where one is
/// enough. `macs` NULL: the kernel writes them.
static __always_inline bool write_hop(struct packet* p, const __u8* macs, const bool ipv6) {
  if (ipv6) {
    const __u8 hops = p->hop_limit - 1;
    // No checksum makes good for it; and MAC addresses are in no sum that a device took.
    return (!macs || !bpf_skb_store_bytes(skb_of(p), 0, macs, 12, 0)) &&
           !bpf_skb_store_bytes(skb_of(p), FL_ETHERNET_BYTES + 7, &hops, 1, BPF_F_RECOMPUTE_CSUM);
  }
  __u32 zero = 0;
  union head* memory = bpf_map_lookup_elem(&heads, &zero);
  const struct iphdr* ip = ensure(p, FL_ETHERNET_BYTES, sizeof(*ip));
  if (!ip || !memory) return false;
  struct hop_head* head = &memory->hop;
  __builtin_memcpy(head->first, ip, sizeof(head->first));
  head->ttl = ip->ttl - 1;
  head->protocol = ip->protocol;
  head->check = changed_checksum(ip->check, change_of(ip->ttl, head->ttl));
  if (!macs) return !bpf_skb_store_bytes(skb_of(p), FL_ETHERNET_BYTES, head->first, 12, 0);
  __builtin_memcpy(head->macs, macs, sizeof(head->macs));
  head->type = bpf_htons(ETH_P_IP);
  return !bpf_skb_store_bytes(skb_of(p), 0, head->macs, FL_ETHERNET_BYTES + 12, 0);
}

/// Through the tunnel, of which the agent may have said something else since the flow was judged.
static __always_inline int send_by_tunnel(struct packet* p, struct pod_flow* flow,
                                          const bool ipv6) {
  const struct fl_tunnel* own = own_tunnel();
  if (!own || p->length + FL_TUNNEL_BYTES > 0xffff) return TC_ACT_UNSPEC;
  // The kernel makes room in no other aggregates.
  if (skb_of(p)->gso_size && p->protocol != IPPROTO_TCP) return TC_ACT_UNSPEC;
  __u32 zero = 0;
  union head* memory = bpf_map_lookup_elem(&heads, &zero);
  if (!memory) return TC_ACT_UNSPEC;
  const __u8 ecn = outer_ecn(p, ipv6);
  if (!write_hop(p, NULL, ipv6) ||
      !encapsulate(p, own, &flow->end, flow->macs, ecn, ipv6, &memory->tunnel))
    return TC_ACT_SHOT;
  count(FL_COUNT_PODS_FORWARDED);
  return bpf_redirect(flow->end.interface, 0);
}

/// TC_ACT_UNSPEC: the stack has to see to it.
static __always_inline int send_pod(struct packet* p, struct pod_flow* flow, const bool ipv6) {
  if (!flow->epoch || flow->way == POD_WAY_STACK || largest_bytes(p) > flow->mtu)
    return TC_ACT_UNSPEC;
  if (flow->way == POD_WAY_TUNNEL) return send_by_tunnel(p, flow, ipv6);
  if (!write_hop(p, flow->macs, ipv6)) return TC_ACT_SHOT;
  count(FL_COUNT_PODS_FORWARDED);
  return flow->way == POD_WAY_PEER ? bpf_redirect_peer(flow->interface, 0)
                                   : bpf_redirect(flow->interface, 0);
}

/// Most packets have their ports where they were always, in the linear part. False: perhaps others.
static __always_inline bool parse_usual(struct packet* p, const bool ipv6) {
  p->l4 = p->l3 + (ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
  const void* start = p->data + p->l3;
  const struct udphdr* ports = p->data + p->l4;
  if ((void*)(ports + 1) > p->data_end) return false;
  if (ipv6) {
    const struct ipv6hdr* ip = start;
    if (ip->version != 6) return false;
    p->protocol = ip->nexthdr;
    p->hop_limit = ip->hop_limit;
    p->length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
    __builtin_memcpy(&p->tuple.source, &ip->saddr, sizeof(p->tuple.source));
    __builtin_memcpy(&p->tuple.destination, &ip->daddr, sizeof(p->tuple.destination));
  } else {
    const struct iphdr* ip = start;
    if (*(const __u8*)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff)) return false;
    p->protocol = ip->protocol;
    p->hop_limit = ip->ttl;
    p->length = bpf_ntohs(ip->tot_len);
    p->tuple.source = address_of_v4(ip->saddr);
    p->tuple.destination = address_of_v4(ip->daddr);
  }
  p->tuple.source_port = ports->source;
  p->tuple.destination_port = ports->dest;
  if (p->protocol == IPPROTO_UDP) return p->length >= p->l4 - p->l3 + sizeof(*ports);
  if (p->protocol != IPPROTO_TCP) return false;
  const struct tcphdr* tcp = (const void*)ports;
  if ((void*)(tcp + 1) > p->data_end) return false;
  p->tcp_flags = ((const __u8*)tcp)[13];
  return p->length >= p->l4 - p->l3 + sizeof(*tcp);
}

/// A packet whose flow was judged this tick, before anything else is asked of it. TC_ACT_UNSPEC: it
/// is not of one.
static __always_inline int forward_judged(struct __sk_buff* ctx, const bool ipv6) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_INGRESS, .has_mac = true};
  const struct fl_config* node = node_config();
  p.l3 = FL_ETHERNET_BYTES;
  reload(&p);
  if (!node || !parse_usual(&p, ipv6)) return TC_ACT_UNSPEC;
  const __u64 key = fl_flow_key(p.tuple.source_port, p.tuple.destination_port, p.protocol);
  struct pod_flow* flow = pod_flow_of(&p, key, ipv6);
  if (!flow || !is_judged(flow, &p, key, node->pods_epoch, ipv6)) return TC_ACT_UNSPEC;
  if (!is_plain(&p, ipv6)) return TC_ACT_UNSPEC;
  // What no Service concerned a moment ago may be a translated flow's by now.
  if (may_have_flows(node) && has_flow(&p, key, ipv6)) return TC_ACT_UNSPEC;
  return send_pod(&p, flow, ipv6);
}

/// A packet that no Service concerns.
static __always_inline int forward_pod(struct __sk_buff* ctx, __u32 epoch, const bool ipv6) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_INGRESS, .has_mac = true};
  p.l3 = FL_ETHERNET_BYTES;
  reload(&p);
  if (!(ipv6 ? parse_ipv6(&p) : parse_ipv4(&p)) || !is_plain(&p, ipv6)) return TC_ACT_UNSPEC;
  const __u64 key = fl_flow_key(p.tuple.source_port, p.tuple.destination_port, p.protocol);
  struct pod_flow* flow = pod_flow_of(&p, key, ipv6);
  if (!flow) return TC_ACT_UNSPEC;
  if (!is_judged(flow, &p, key, epoch, ipv6) &&
      judge_pod_flow(&p, flow, key, epoch, ipv6, false) == WAY_NEIGHBOUR) {
    struct workspace* work = workspace_of(&p);
    if (!work || !write_hop(&p, NULL, ipv6)) return TC_ACT_SHOT;
    return redirect_to_neighbour(&work->route);
  }
  return send_pod(&p, flow, ipv6);
}

/// A packet inside of what came by the underlay's link. What has to wait in the device's queue is
/// not overtaken by what comes behind it.
static __always_inline int forward_tunnelled(struct __sk_buff* ctx, const struct fl_config* node,
                                             const struct fl_tunnel* own) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_INGRESS, .has_mac = true};
  __be32 sender = 0;
  reload(&p);
  if (!open_tunnel(&p, own, &sender) || !parse_ipv4(&p) || !is_plain(&p, false))
    return TC_ACT_UNSPEC;
  const __u64 key = fl_flow_key(p.tuple.source_port, p.tuple.destination_port, p.protocol);
  struct pod_flow* flow = pod_flow_of(&p, key, false);
  if (!flow) return TC_ACT_UNSPEC;
  const __u32 epoch = node->pods_epoch;
  if (!is_judged(flow, &p, key, epoch, false) &&
      judge_pod_flow(&p, flow, key, epoch, false, true) == WAY_NEIGHBOUR)
    return TC_ACT_UNSPEC;
  if (skb_of(&p)->gso_size) flow->aggregate_tick = now_ticks();
  if (now_ticks() - flow->aggregate_tick < 2) return TC_ACT_UNSPEC;
  if (!flow->epoch || flow->way != POD_WAY_PEER || flow->sender != sender) return TC_ACT_UNSPEC;
  if (may_have_flows(node) && has_flow(&p, key, false)) return TC_ACT_UNSPEC;
  if (!decapsulate(&p) || !write_hop(&p, flow->macs, false)) return TC_ACT_SHOT;
  count(FL_COUNT_PODS_FORWARDED);
  return bpf_redirect_peer(flow->interface, 0);
}

// clang-format off
__noinline int forward_pod4(struct __sk_buff* ctx, __u32 epoch) { return forward_pod(ctx, epoch, false); }
__noinline int forward_pod6(struct __sk_buff* ctx, __u32 epoch) { return forward_pod(ctx, epoch, true); }
// clang-format on
// clang-format off
__noinline int forward_judged4(struct __sk_buff* ctx) { return forward_judged(ctx, false); }
__noinline int forward_judged6(struct __sk_buff* ctx) { return forward_judged(ctx, true); }
// clang-format on
__noinline int forward_inner4(struct __sk_buff* ctx) {
  const struct fl_config* node = node_config();
  const struct fl_tunnel* own = own_tunnel();
  return node && own ? forward_tunnelled(ctx, node, own) : TC_ACT_UNSPEC;
}
