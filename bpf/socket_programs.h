// Entry points of the cgroup hooks: see sockets.h, bind.h, streams.h and dead_sockets.h.
#pragma once

#include "bind.h"
#include "dead_sockets.h"
#include "sockets.h"

static __always_inline bool is_v4_mapped(const struct fl_address* a) {
  return a->word[0] == 0 && a->word[1] == 0 && a->word[2] == bpf_htonl(FL_MAPPED_PREFIX);
}

static __always_inline struct named named4(const struct bpf_sock_addr* ctx) {
  const struct named name = {.address = address_of_v4(ctx->user_ip4), .port = ctx->user_port};
  return name;
}

static __always_inline struct named named6(const struct bpf_sock_addr* ctx) {
  const struct named name = {
      .address = {{ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}},
      .port = ctx->user_port};
  return name;
}

static __always_inline void write4(struct bpf_sock_addr* ctx, const struct fl_address* address,
                                   __be16 port) {
  ctx->user_ip4 = address->word[3];
  ctx->user_port = port;
}

static __always_inline void write6(struct bpf_sock_addr* ctx, const struct fl_address* address,
                                   __be16 port) {
  ctx->user_ip6[0] = address->word[0];
  ctx->user_ip6[1] = address->word[1];
  ctx->user_ip6[2] = address->word[2];
  ctx->user_ip6[3] = address->word[3];
  ctx->user_port = port;
}

SEC("cgroup/connect4")
int fairlead_connect4(struct bpf_sock_addr* ctx) {
  struct call call = {.ctx = ctx, .to = named4(ctx), .ipv6 = false};
  struct choice choice = {};
  const int result = connect_call(&call, &choice);
  if (choice.port) write4(ctx, &choice.address, choice.port);
  return result;
}

SEC("cgroup/connect6")
int fairlead_connect6(struct bpf_sock_addr* ctx) {
  struct call call = {.ctx = ctx, .to = named6(ctx)};
  call.ipv6 = !is_v4_mapped(&call.to.address);
  struct choice choice = {};
  const int result = connect_call(&call, &choice);
  if (choice.port) write6(ctx, &choice.address, choice.port);
  return result;
}

SEC("cgroup/sendmsg4")
int fairlead_sendmsg4(struct bpf_sock_addr* ctx) {
  struct call call = {.ctx = ctx, .to = named4(ctx), .ipv6 = false};
  struct choice choice = {};
  const int result = send_call(&call, &choice);
  if (choice.port) write4(ctx, &choice.address, choice.port);
  return result;
}

SEC("cgroup/sendmsg6")
int fairlead_sendmsg6(struct bpf_sock_addr* ctx) {
  struct call call = {.ctx = ctx, .to = named6(ctx)};
  call.ipv6 = !is_v4_mapped(&call.to.address);
  struct choice choice = {};
  const int result = send_call(&call, &choice);
  if (choice.port) write6(ctx, &choice.address, choice.port);
  return result;
}

static __always_inline int rename4(struct bpf_sock_addr* ctx) {
  const struct named backend = named4(ctx);
  const struct fl_translation* name = name_of(ctx, &backend);
  if (name) write4(ctx, &name->frontend, name->frontend_port);
  return FL_PROCEED;
}

static __always_inline int rename6(struct bpf_sock_addr* ctx) {
  const struct named backend = named6(ctx);
  const struct fl_translation* name = name_of(ctx, &backend);
  if (name) write6(ctx, &name->frontend, name->frontend_port);
  return FL_PROCEED;
}

SEC("cgroup/recvmsg4")
int fairlead_recvmsg4(struct bpf_sock_addr* ctx) { return rename4(ctx); }

SEC("cgroup/recvmsg6")
int fairlead_recvmsg6(struct bpf_sock_addr* ctx) { return rename6(ctx); }

SEC("cgroup/getpeername4")
int fairlead_getpeername4(struct bpf_sock_addr* ctx) { return rename4(ctx); }

SEC("cgroup/getpeername6")
int fairlead_getpeername6(struct bpf_sock_addr* ctx) { return rename6(ctx); }

SEC("cgroup/post_bind4")
int fairlead_post_bind4(struct bpf_sock* ctx) {
  const struct fl_address address = address_of_v4(ctx->src_ip4);
  return bind_call(ctx, &address);
}

SEC("cgroup/post_bind6")
int fairlead_post_bind6(struct bpf_sock* ctx) {
  const struct fl_address address = {
      {ctx->src_ip6[0], ctx->src_ip6[1], ctx->src_ip6[2], ctx->src_ip6[3]}};
  return bind_call(ctx, &address);
}

SEC("cgroup/sock_release")
int fairlead_release(struct bpf_sock* ctx) { return release_call(ctx); }

SEC("iter/bpf_sk_storage_map")
int fairlead_sockets(struct bpf_iter__bpf_sk_storage_map* ctx) { return show_any(ctx); }

SEC("iter/bpf_sk_storage_map")
int fairlead_dead_sockets(struct bpf_iter__bpf_sk_storage_map* ctx) { return show_if_dead(ctx); }
