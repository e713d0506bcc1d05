// What this machine takes for the things that a load balancer cannot do without, measured as its
// programs are: a line of a table that is far larger than the caches, a route, a hash look-up.
#pragma once

#include "bench/packets/strawman.h"

#define PRIMITIVE_LINES (1 << 19) /* as many buckets as `flows4` has by default */

struct line {
  __u64 words[8];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, PRIMITIVE_LINES);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct line);
} lines SEC(".maps");

/// The packet's addresses, or NULL.
static __always_inline const struct iphdr* ip_of(struct xdp_md* ctx) {
  const struct ethhdr* ethernet = (void*)(long)ctx->data;
  const struct iphdr* ip = (const void*)(ethernet + 1);
  return (void*)(ip + 1) <= (void*)(long)ctx->data_end ? ip : NULL;
}

SEC("xdp")
int line_xdp(struct xdp_md* ctx) {
  const struct iphdr* ip = ip_of(ctx);
  if (!ip) return XDP_ABORTED;
  __u32 index = (__u32)(ip->saddr * 0x9e3779b97f4a7c15ULL >> 32) & (PRIMITIVE_LINES - 1);
  const volatile struct line* found = bpf_map_lookup_elem(&lines, &index);
  return found && found->words[0] == 0 ? XDP_TX : XDP_ABORTED;
}

static __always_inline const __be32* service_of(const struct iphdr* ip) {
  const struct tcphdr* tcp = (const void*)(ip + 1);
  const struct strawman_service service = {ip->daddr, tcp->dest, IPPROTO_TCP};
  return bpf_map_lookup_elem(&strawman_services, &service);
}

SEC("xdp")
int hash_xdp(struct xdp_md* ctx) {
  const struct iphdr* ip = ip_of(ctx);
  if (!ip || (void*)(ip + 2) > (void*)(long)ctx->data_end) return XDP_ABORTED;
  return service_of(ip) ? XDP_TX : XDP_ABORTED;
}

/// To the Service's first backend, after a hash look-up.
SEC("xdp")
int route_xdp(struct xdp_md* ctx) {
  const struct iphdr* ip = ip_of(ctx);
  if (!ip || (void*)(ip + 2) > (void*)(long)ctx->data_end) return XDP_ABORTED;
  const __be32* backend = service_of(ip);
  if (!backend) return XDP_ABORTED;
  struct bpf_fib_lookup lookup = {.family = 2,
                                  .l4_protocol = IPPROTO_TCP,
                                  .tot_len = 40,
                                  .ifindex = ctx->ingress_ifindex,
                                  .ipv4_src = ip->saddr,
                                  .ipv4_dst = *backend};
  return bpf_fib_lookup(ctx, &lookup, sizeof(lookup), 0) == BPF_FIB_LKUP_RET_SUCCESS ? XDP_TX
                                                                                     : XDP_ABORTED;
}
