// The iterator over `sockets`: connected UDP sockets of all network namespaces whose backend is
// gone -> struct fl_dead_socket. Unconnected sockets, and those that the application has connected
// to the backend's own address, are not shown.
#pragma once

#include "kernel_types.h"
#include "translations.h"

#define FL_AF_INET 2
#define FL_AF_INET6 10

static __always_inline struct fl_address address_of_v6(const struct in6_addr* v6) {
  struct fl_address address;
  for (int i = 0; i < 4; ++i) address.word[i] = v6->in6_u.u6_addr32[i];
  return address;
}

static __always_inline bool is_dead(const struct fl_address* address, __be16 port) {
  struct fl_dead_key key = {.address = *address, .port = port, .protocol = IPPROTO_UDP};
  if (bpf_map_lookup_elem(&dead_backends, &key)) return true;
  // Every backend. Not a constant, which would be in the object's, among those that are set.
  for (int i = 0; i < 4; ++i) key.address.word[i] = 0;
  key.port = 0;
  return bpf_map_lookup_elem(&dead_backends, &key);
}

static __always_inline int show_if_dead(struct bpf_iter__bpf_sk_storage_map* ctx) {
  struct sock* sk = ctx->sk;
  const struct fl_socket* socket = ctx->value;
  if (!sk || !socket) return 0;
  const struct sock_common* common = &sk->__sk_common;
  if (sk->sk_protocol != IPPROTO_UDP || common->skc_state != BPF_TCP_ESTABLISHED) return 0;
  struct fl_dead_socket dead = {.family = common->skc_family};
  if (dead.family == FL_AF_INET) {
    dead.source = address_of_v4(common->skc_rcv_saddr);
    dead.destination = address_of_v4(common->skc_daddr);
  } else if (dead.family == FL_AF_INET6) {
    dead.source = address_of_v6(&common->skc_v6_rcv_saddr);
    dead.destination = address_of_v6(&common->skc_v6_daddr);
  } else {
    return 0;
  }
  dead.destination_port = common->skc_dport;
  const struct named peer = {.address = dead.destination, .port = dead.destination_port};
  if (!leads_to(&socket->connection, &peer) || !is_dead(&peer.address, peer.port)) return 0;
  dead.cookie = bpf_get_socket_cookie(sk);
  dead.source_port = bpf_htons(common->skc_num);
  dead.interface = common->skc_bound_dev_if;
  dead.netns_inode = common->skc_net.net->ns.inum;
  bpf_seq_write(ctx->meta->seq, &dead, sizeof(dead));
  return 0;
}

/// One byte for each socket that has storage: is anybody left?
static __always_inline int show_any(struct bpf_iter__bpf_sk_storage_map* ctx) {
  const __u8 one = 1;
  if (ctx->sk && ctx->value) bpf_seq_write(ctx->meta->seq, &one, sizeof(one));
  return 0;
}
