// Services at the system call: what a socket asks for -> what it talks to, and back.
//
//   connect            find_destination -> judge -> choose -> the socket is connected to the
//   backend;
//                      its storage keeps what it asked for
//   sendmsg            the same for each datagram of an unconnected socket, which stays with the
//                      backend that it has, as long as the frontend leads there
//   recvmsg,
//   getpeername        backend -> frontend, by the socket's storage
//
// Dropping is silence: what a pod sends to a frontend that drops is left as it is, and the packet
// path drops it. The host's own packets pass no hook that could, so its call fails with
// EHOSTUNREACH.
#pragma once

#include <linux/errno.h>

#include "choose.h"
#include "streams.h"

static __always_inline int fail(int error) {
  if (constants.has_set_retval) bpf_set_retval(-error);
  return FL_DENY;  // without bpf_set_retval: EPERM
}

enum judgement { LEAVE, TRANSLATE, REFUSE, SILENCE };

/// One call of an application.
struct call {
  struct bpf_sock_addr* ctx;
  struct named to;
  bool ipv6;  // `to` is not an IPv4 address; constant where the compiler can know
  bool is_host;
  __u8 verdict;
  fl_frontend_word word;
};

static __always_inline bool is_let_in(const struct fl_header* header,
                                      const struct fl_address* source) {
  struct fl_range_key key = {.prefix_length = FL_RANGE_PREFIX + 128,
                             .service = {header->service, header->service >> 32},
                             .address = *source};
  return bpf_map_lookup_elem(&source_ranges, &key);
}

static __always_inline enum judgement judge_frontend(const struct fl_config* node,
                                                     struct call* call) {
  const enum judgement silence = call->is_host ? SILENCE : LEAVE;
  if (call->word & FL_FRONTEND_RANGES) {
    // Which address a pod's socket will have is not known yet: the packet path sees it.
    if (!call->is_host) return LEAVE;
    const struct fl_header* header = header_of(block_of(call->word));
    __u32 family = call->ipv6;
    barrier_var(family);  // else clang takes away the bound that the verifier needs
    if (!header || !is_let_in(header, &node->node_address[family & 1])) return silence;
  }
  call->verdict = verdict_of(call->word, call->is_host ? FL_SCOPE_HOST : FL_SCOPE_INTERNAL);
  switch (call->verdict & FL_VERDICT_ACTION) {
    case FL_ACTION_FORWARD:
      return TRANSLATE;
    case FL_ACTION_REJECT:
      return REFUSE;
    default:
      return silence;
  }
}

/// Only TCP, UDP and SCTP have ports that a Service could refuse: a ping socket has none.
static __always_inline bool has_ports(__u32 protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline enum judgement judge(const struct fl_config* node, struct call* call) {
  if (!has_ports(call->ctx->protocol)) return LEAVE;
  const enum destination destination = find_destination(
      node, &call->to.address, call->to.port, call->ctx->protocol, call->ipv6, &call->word);
  if (destination == NOT_OURS) return LEAVE;
  if (destination == REFUSED) return REFUSE;
  call->is_host = bpf_get_netns_cookie(call->ctx) == node->host_netns_cookie;
  if (destination == UNALLOCATED) return call->is_host ? SILENCE : LEAVE;
  return judge_frontend(node, call);
}

static __always_inline int refuse_call(void) {
  count(FL_COUNT_REJECTED);
  return fail(ECONNREFUSED);
}

static __always_inline int drop_call(void) {
  count(FL_COUNT_DROPS_FIRST + FL_DROP_POLICY);
  return fail(EHOSTUNREACH);
}

FL_GLOBAL int choose_for_client(__u32 block, __u32 verdict, __u64 netns_cookie,
                                struct choice* choice) {
  struct chooser how = {.client = {{(__u32)netns_cookie, (__u32)(netns_cookie >> 32), 0, 0}},
                        .hash = bpf_get_prandom_u32()};
  return choice && choose_backend(block, verdict, &how, choice);
}

static __always_inline bool choose_for(const struct call* call, struct choice* choice) {
  const __u64 client = bpf_get_netns_cookie(call->ctx);
  return choose_for_client(block_of(call->word), call->verdict, client, choice);
}

/// The application connects to `to` by its own name: the socket has no other any more.
static __always_inline void forget_connection(struct bpf_sock_addr* ctx, const struct named* to) {
  struct fl_socket* socket = connection_of(ctx->sk, 0);
  if (socket) socket->connection.frontend_port = 0;
  if (ctx->protocol == IPPROTO_TCP) {
    struct fl_stream* stream = stream_of(bpf_get_socket_cookie(ctx));
    if (stream) stream->connection.frontend_port = 0;
  } else {
    struct fl_datagram_socket* datagrams = datagrams_of(ctx->sk, 0);
    if (datagrams) forget_datagrams(datagrams, to);
  }
}

/// Where the socket's connection is remembered; NULL: no memory for it.
static __always_inline struct fl_translation* place_of_connection(struct bpf_sock_addr* ctx) {
  if (ctx->protocol == IPPROTO_TCP && !is_kernels_own(ctx->sk)) {
    struct fl_stream* stream = claim_stream(bpf_get_socket_cookie(ctx));
    if (stream) return &stream->connection;
  }
  struct fl_socket* socket = connection_of(ctx->sk, BPF_SK_STORAGE_GET_F_CREATE);
  return socket ? &socket->connection : NULL;
}

/// FL_PROCEED with `choice->port` set: the caller writes the choice into the context.
static __always_inline int connect_call(struct call* call, struct choice* choice) {
  struct bpf_sock_addr* ctx = call->ctx;
  const struct fl_config* node = node_config();
  if (!node) return FL_PROCEED;
  const enum judgement judgement = node->mode == FL_MODE_DRAINING ? LEAVE : judge(node, call);
  if (judgement == LEAVE) forget_connection(ctx, &call->to);
  if (judgement == REFUSE) return refuse_call();
  if (judgement == SILENCE) return drop_call();
  if (judgement != TRANSLATE) return FL_PROCEED;

  struct fl_translation* place = place_of_connection(ctx);
  // No memory: the packet path translates what a pod sends, and its answers. The host goes without
  // the name.
  if (!place && !call->is_host) return FL_PROCEED;
  if (!choose_for(call, choice)) return refuse_call();
  if (place) write_translation(place, &call->to, choice);
  count(FL_COUNT_SOCKETS_CONNECTED);
  return FL_PROCEED;
}

/// A flow that Linux conntrack translates since before we came.
static __always_inline bool is_foreign(const struct fl_config* node, const struct call* call) {
  if (!node->foreign_sockets) return false;
  const struct fl_foreign_key key = {.destination = call->to.address,
                                     .source_port = bpf_htons(call->ctx->sk->src_port),
                                     .destination_port = call->to.port,
                                     .protocol = call->ctx->protocol};
  return bpf_map_lookup_elem(&foreign_flows, &key);
}

static __always_inline int use_translation(const struct fl_translation* t, struct choice* choice) {
  choice->address = t->backend;
  choice->port = t->backend_port;
  count(FL_COUNT_DATAGRAMS);
  return FL_PROCEED;
}

/// What the socket has goes on, unless its backend is gone: then whoever comes after us chooses.
static __always_inline int send_while_draining(struct fl_translation* known,
                                               struct choice* choice) {
  if (!known) return FL_PROCEED;
  const struct fl_dead_key key = {
      .address = known->backend, .port = known->backend_port, .protocol = IPPROTO_UDP};
  if (!bpf_map_lookup_elem(&dead_backends, &key)) return use_translation(known, choice);
  known->frontend_port = 0;
  return FL_PROCEED;
}

static __always_inline int send_call(struct call* call, struct choice* choice) {
  struct bpf_sock_addr* ctx = call->ctx;
  struct bpf_sock* sk = ctx->sk;
  const struct fl_config* node = node_config();
  if (!node) return FL_PROCEED;
  const bool draining = node->mode == FL_MODE_DRAINING;
  const enum judgement judgement = draining ? LEAVE : judge(node, call);
  // sendto() of a connected socket: the answer would not be received from another backend.
  struct fl_socket* socket = connection_of(sk, 0);
  if (socket && is_connected(sk) && asked_for(&socket->connection, &call->to))
    return use_translation(&socket->connection, choice);
  if (judgement == REFUSE) return refuse_call();
  if (judgement == SILENCE) return drop_call();
  if (judgement == LEAVE && !draining) {
    forget_backend(ctx, &call->to);
    return FL_PROCEED;
  }

  struct fl_datagram_socket* datagrams = datagrams_of(sk, 0);
  struct fl_translation* known = datagrams ? find_frontend(datagrams, &call->to) : NULL;
  if (draining) return send_while_draining(known, choice);
  if (known && is_still_member(block_of(call->word), call->verdict, known))
    return use_translation(known, choice);
  if (!known && is_foreign(node, call)) return FL_PROCEED;
  if (!datagrams) datagrams = datagrams_of(sk, BPF_SK_STORAGE_GET_F_CREATE);
  if (datagrams && !known) known = next_place(datagrams, call->is_host);
  if (!known && !call->is_host) return FL_PROCEED;  // the packet path has place for any number
  if (!choose_for(call, choice)) return refuse_call();
  if (known) write_translation(known, &call->to, choice);
  count(FL_COUNT_DATAGRAMS);
  return FL_PROCEED;
}

/// The peer, or the source of a datagram, by the name that the application knows; NULL: as it is.
static __always_inline const struct fl_translation* name_of(struct bpf_sock_addr* ctx,
                                                            const struct named* backend) {
  if (ctx->protocol == IPPROTO_TCP) {
    const struct fl_stream* stream = stream_of(bpf_get_socket_cookie(ctx));
    if (stream && leads_to(&stream->connection, backend)) return &stream->connection;
  }
  struct fl_socket* socket = connection_of(ctx->sk, 0);
  const bool by_connection = socket && leads_to(&socket->connection, backend);
  if (by_connection && is_connected(ctx->sk)) return &socket->connection;
  struct fl_datagram_socket* datagrams = datagrams_of(ctx->sk, 0);
  const struct fl_translation* found = datagrams ? find_backend(datagrams, backend) : NULL;
  if (found) return found;
  return by_connection ? &socket->connection : NULL;
}
