// Puts a packet as it was before a program is run on it once more, and then runs that program.
//
//   frame of `replay` + next of `variants` -> the buffer -> tail call of `target`
//
// BPF_PROG_RUN gives each repeat what the one before left behind, and a translated packet would be
// none of ours. The program behind the tail call is the unmodified one.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include <stdbool.h>

#include "bench/packets/primitives.h"
#include "bench/packets/replay.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct replay);
} replay SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, REPLAY_VARIANTS);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct variant);
} variants SEC(".maps");

#define PROGRAMS(name)                     \
  struct {                                 \
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
    __uint(max_entries, 1);                \
    __type(key, __u32);                    \
    __type(value, __u32);                  \
  } name SEC(".maps")
PROGRAMS(target_xdp);
PROGRAMS(target_tc);

static __always_inline void write_ports(void* ports, const struct variant* variant) {
  *(__be16*)ports = variant->source_port;
  *(__be16*)(ports + 2) = variant->destination_port;
}

static __always_inline int restore(void* data, void* data_end) {
  __u32 zero = 0;
  struct replay* frame = bpf_map_lookup_elem(&replay, &zero);
  if (!frame) return -1;
  __u32 index = frame->next++ & frame->mask;
  const struct variant* variant = bpf_map_lookup_elem(&variants, &index);
  if (!variant) return -1;
  if (frame->length == REPLAY_IPV6_BYTES) {
    if (data + REPLAY_IPV6_BYTES > data_end) return -1;
    __builtin_memcpy(data, frame->bytes, REPLAY_IPV6_BYTES);
    *(__be32*)(data + 14 + 20) = variant->source;
    *(__be32*)(data + 14 + 36) = variant->destination;
    write_ports(data + 14 + 40, variant);
  } else {
    if (data + REPLAY_IPV4_BYTES > data_end) return -1;
    __builtin_memcpy(data, frame->bytes, REPLAY_IPV4_BYTES);
    *(__be32*)(data + 14 + 12) = variant->source;
    *(__be32*)(data + 14 + 16) = variant->destination;
    write_ports(data + 14 + 20, variant);
  }
  return 0;
}

SEC("xdp")
int replay_xdp(struct xdp_md* ctx) {
  if (restore((void*)(long)ctx->data, (void*)(long)ctx->data_end) != 0) return XDP_ABORTED;
  bpf_tail_call(ctx, &target_xdp, 0);
  return XDP_ABORTED;
}

#include "bench/packets/unwrap.h"

SEC("tc")
int replay_tc(struct __sk_buff* ctx) {
  if (restore((void*)(long)ctx->data, (void*)(long)ctx->data_end) != 0) return REPLAY_FAILED_TC;
  bpf_tail_call(ctx, &target_tc, 0);
  return REPLAY_FAILED_TC;
}

SEC("xdp")
int empty_xdp(struct xdp_md* ctx) {
  (void)ctx;
  return XDP_PASS;
}

SEC("tc")
int empty_tc(struct __sk_buff* ctx) {
  (void)ctx;
  return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
