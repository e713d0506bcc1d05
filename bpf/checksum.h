// The Internet checksum, changed by what changed (RFC 1624).
#pragma once

#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <stdbool.h>

/// Sum of 32-bit words' differences; folded only at the end.
typedef __u64 checksum_change;

static __always_inline checksum_change change_of(__u32 before, __u32 after) {
  return (__u64)(__u32)~before + after;
}

/// To 32 bits, as the kernel's __wsum.
static __always_inline __u32 fold32(checksum_change sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  return (__u32)((sum & 0xffffffff) + (sum >> 32));
}

static __always_inline __u16 fold16(checksum_change sum) {
  __u32 folded = fold32(sum);
  folded = (folded & 0xffff) + (folded >> 16);
  return (__u16)((folded & 0xffff) + (folded >> 16));
}

static __always_inline __u16 changed_checksum(__u16 checksum, checksum_change change) {
  return ~fold16((__u64)(__u16)~checksum + change);
}

/// Whether the device, or the receiver, completes the checksum at `offset`: then a change of what
/// it covers leaves the field alone. The field is the same afterwards, but 0xffff is 0.
static __always_inline bool is_partial(struct __sk_buff* skb, __u32 offset) {
  __u16 before = 0;
  __u16 after = 0;
  if (bpf_skb_load_bytes(skb, offset, &before, sizeof(before))) return false;
  if (bpf_l4_csum_replace(skb, offset, 0, 1, 2)) return false;
  if (bpf_skb_load_bytes(skb, offset, &after, sizeof(after))) return false;
  bpf_l4_csum_replace(skb, offset, 1, 0, 2);
  return before == after;
}
