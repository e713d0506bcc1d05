// TCP sockets that are connected through us: places of one cache line, by the socket's cookie.
//
// Sockets of the kernel's own (a mount by NFS, subflows of MPTCP) are not released as others are,
// so they get no place.
#pragma once

#include <bpf/bpf_core_read.h>

#include "kernel_types.h"
#include "translations.h"

static __always_inline bool is_kernels_own(struct bpf_sock* socket) {
  const struct sock* sk = (const struct sock*)bpf_skc_to_tcp_sock(socket);
  return !sk || BPF_CORE_READ_BITFIELD(sk, sk_kern_sock);
}

static __always_inline struct fl_stream* stream_at(__u64 cookie) {
  __u32 place = cookie & (FL_STREAMS - 1);  // the kernel counts
  return bpf_map_lookup_elem(&streams, &place);
}

/// NULL: the socket has no place.
static __always_inline struct fl_stream* stream_of(__u64 cookie) {
  struct fl_stream* stream = stream_at(cookie);
  return stream && stream->cookie == cookie ? stream : NULL;
}

/// The socket's place, or a free one that is the socket's now; NULL: it is another's.
static __always_inline struct fl_stream* claim_stream(__u64 cookie) {
  struct fl_stream* stream = stream_at(cookie);
  if (!stream) return NULL;
  __u64 owner = stream->cookie;
  if (owner == 0) owner = __sync_val_compare_and_swap(&stream->cookie, 0, cookie);
  return owner == 0 || owner == cookie ? stream : NULL;
}

static __always_inline int release_call(struct bpf_sock* ctx) {
  if (ctx->protocol != IPPROTO_TCP) return FL_PROCEED;
  struct fl_stream* stream = stream_of(bpf_get_socket_cookie(ctx));
  if (stream) stream->cookie = 0;
  return FL_PROCEED;
}
