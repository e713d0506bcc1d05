// SCTP's checksum when a packet gets other ports. It covers no address.
//
// A device may complete it, as the Internet checksum: then the field is left alone.
#pragma once

#include "checksum.h"
#include "crc32c.h"
#include "packet.h"

#define FL_SCTP_CHECKSUM 8 /* its offset in the header */

/// `change`: see crc32c_change(). False: the packet has no such field.
__attribute__((noinline)) int change_sctp_checksum_xdp(struct xdp_md* ctx, __u32 l4, __u32 change) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_XDP};
  reload(&p);
  __u32* at = l4 < 0x4000 ? ensure(&p, l4 + FL_SCTP_CHECKSUM, sizeof(*at)) : NULL;
  if (!at) return false;
  *at ^= change;
  return true;
}

__attribute__((noinline)) int change_sctp_checksum_skb(struct __sk_buff* ctx, __u32 l4,
                                                       __u32 change) {
  const __u32 offset = l4 + FL_SCTP_CHECKSUM;
  __u32 checksum = 0;
  if (bpf_skb_load_bytes(ctx, offset, &checksum, sizeof(checksum))) return false;
  if (is_partial(ctx, offset)) return true;
  checksum ^= change;
  return !bpf_skb_store_bytes(ctx, offset, &checksum, sizeof(checksum), BPF_F_RECOMPUTE_CSUM);
}

/// The packet's ports become these. False: its checksum cannot be made right, because the rest of
/// it comes in other fragments and nobody knows how long that is.
static __always_inline bool change_sctp_checksum(struct packet* p, __be16 source_port,
                                                 __be16 destination_port) {
  // As the two lie in memory, one behind the other.
  const __u32 difference = (__u32)(p->tuple.source_port ^ source_port) |
                           (__u32)(p->tuple.destination_port ^ destination_port) << 16;
  if (!difference) return true;
  if (p->is_fragment) return false;
  const __u32 change = crc32c_change(difference, p->length - (p->l4 - p->l3));
  return p->hook == FL_HOOK_XDP ? change_sctp_checksum_xdp(p->ctx, p->l4, change)
                                : change_sctp_checksum_skb(p->ctx, p->l4, change);
}
