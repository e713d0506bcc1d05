// The Internet checksum, changed by what changed (RFC 1624).
#pragma once

#include <linux/types.h>

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
