// Replay for a program that encapsulates (IP in IP, RFC 2003): what it put in front of the packet
// before is taken off again.
#pragma once

#include <linux/ip.h>

/// Replays as replay_xdp does, IPv4 only.
SEC("xdp")
int replay_unwrapped_xdp(struct xdp_md* ctx) {
  const long length = (void*)(long)ctx->data_end - (void*)(long)ctx->data;
  if (length == REPLAY_IPV4_BYTES + (long)sizeof(struct iphdr) &&
      bpf_xdp_adjust_head(ctx, sizeof(struct iphdr)) != 0)
    return XDP_ABORTED;
  if (restore((void*)(long)ctx->data, (void*)(long)ctx->data_end) != 0) return XDP_ABORTED;
  bpf_tail_call(ctx, &target_xdp, 0);
  return XDP_ABORTED;
}

/// Makes the packet longer, and nothing else: behind replay_unwrapped_xdp it costs two adjustments
/// of the packet's start more than empty_xdp does.
SEC("xdp")
int wrap_xdp(struct xdp_md* ctx) {
  return bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr)) == 0 ? XDP_TX : XDP_ABORTED;
}
