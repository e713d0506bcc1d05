// The least that a translating load balancer can do with the kernel's own tables, as a measure for
// the machine: an LRU hash of both directions, one hash of services. It has no route look-up, no
// states, no ageing, no policies, no IPv6.
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>

#include "bench/packets/replay.h"

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1 << 20);
  __type(key, struct strawman_key);
  __type(value, struct strawman_value);
} strawman_flows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 17);
  __type(key, struct strawman_service);
  __type(value, __be32);
} strawman_services SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, __u64);
} strawman_counts SEC(".maps");  // translated, created

static __always_inline void strawman_count(__u32 what) {
  __u64* counter = bpf_map_lookup_elem(&strawman_counts, &what);
  if (counter) ++*counter;
}

/// Of ten backends in a row the one that the client's address says, by a source port that it says.
static __always_inline bool strawman_create(const struct strawman_key* key,
                                            struct strawman_value* value) {
  const struct strawman_service service = {key->destination, key->destination_port, key->protocol};
  const __be32* backends = bpf_map_lookup_elem(&strawman_services, &service);
  if (!backends) return false;
  const __u32 client = bpf_ntohl(key->source);
  value->new_source = key->destination;
  value->new_destination = bpf_htonl(bpf_ntohl(*backends) + client % 10);
  value->new_source_port = bpf_htons((__u16)client);
  value->new_destination_port = bpf_htons(8080);
  value->stamp = (__u32)(bpf_ktime_get_coarse_ns() >> 30);
  const struct strawman_key reply_key = {.source = value->new_destination,
                                         .destination = value->new_source,
                                         .source_port = value->new_destination_port,
                                         .destination_port = value->new_source_port,
                                         .protocol = key->protocol};
  const struct strawman_value reply = {.new_source = key->destination,
                                       .new_destination = key->source,
                                       .new_source_port = key->destination_port,
                                       .new_destination_port = key->source_port,
                                       .stamp = value->stamp};
  bpf_map_update_elem(&strawman_flows, key, value, BPF_ANY);
  bpf_map_update_elem(&strawman_flows, &reply_key, &reply, BPF_ANY);
  strawman_count(1);
  return true;
}

/// RFC 1624, equation 3; `sum` is the difference of all that changes.
static __always_inline __u16 strawman_fold(__u16 check, __u64 sum) {
  sum += (__u16)~check;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u16)~sum;
}

SEC("xdp")
int strawman_xdp(struct xdp_md* ctx) {
  struct ethhdr* ethernet = (void*)(long)ctx->data;
  struct iphdr* ip = (void*)(ethernet + 1);
  struct tcphdr* tcp = (void*)(ip + 1);
  if ((void*)(tcp + 1) > (void*)(long)ctx->data_end) return XDP_PASS;
  if (ethernet->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
    return XDP_PASS;
  const struct strawman_key key = {.source = ip->saddr,
                                   .destination = ip->daddr,
                                   .source_port = tcp->source,
                                   .destination_port = tcp->dest,
                                   .protocol = ip->protocol};
  struct strawman_value created = {};
  struct strawman_value* found = bpf_map_lookup_elem(&strawman_flows, &key);
  if (found) {
    created = *found;
    found->stamp = (__u32)(bpf_ktime_get_coarse_ns() >> 30);
  } else if (!strawman_create(&key, &created)) {
    return XDP_PASS;
  }
  const __u64 addresses =
      (__u64)created.new_source + created.new_destination + (__u32)~ip->saddr + (__u32)~ip->daddr;
  const __u64 ports = (__u64)created.new_source_port + created.new_destination_port +
                      (__u16)~tcp->source + (__u16)~tcp->dest;
  ip->check = strawman_fold(ip->check, addresses);
  tcp->check = strawman_fold(tcp->check, addresses + ports);
  ip->saddr = created.new_source;
  ip->daddr = created.new_destination;
  tcp->source = created.new_source_port;
  tcp->dest = created.new_destination_port;
  __u8 mac[ETH_ALEN];
  __builtin_memcpy(mac, ethernet->h_dest, ETH_ALEN);
  __builtin_memcpy(ethernet->h_dest, ethernet->h_source, ETH_ALEN);
  __builtin_memcpy(ethernet->h_source, mac, ETH_ALEN);
  strawman_count(0);
  return XDP_TX;
}
