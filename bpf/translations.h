// What a socket remembers: its connection, and the frontends that it sends datagrams to. In the
// storage of the socket itself, so it is gone when the socket is, and nobody's is evicted.
#pragma once

#include "choose.h"

/// What a hook returns: the system call fails, or goes on with what is in the context.
enum { FL_DENY = 0, FL_PROCEED = 1 };

/// An address and port that an application names.
struct named {
  struct fl_address address;
  __be16 port;
};

/// Without branches, for the loops: the verifier walks each way of each branch.
static __always_inline bool is_same(const struct fl_address* a, __be16 a_port,
                                    const struct fl_address* b, __be16 b_port) {
  return ((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
          (a->word[3] ^ b->word[3]) | (__u32)(a_port ^ b_port)) == 0;
}

static __always_inline bool leads_to(const struct fl_translation* t, const struct named* backend) {
  return t->frontend_port &&
         is_same(&t->backend, t->backend_port, &backend->address, backend->port);
}

static __always_inline bool asked_for(const struct fl_translation* t,
                                      const struct named* frontend) {
  return is_same(&t->frontend, t->frontend_port, &frontend->address, frontend->port);
}

static __always_inline struct fl_socket* connection_of(struct bpf_sock* socket, __u64 flags) {
  return bpf_sk_storage_get(&sockets, socket, NULL, flags);
}

static __always_inline struct fl_datagram_socket* datagrams_of(struct bpf_sock* socket,
                                                               __u64 flags) {
  return bpf_sk_storage_get(&datagram_sockets, socket, NULL, flags);
}

/// connect() was called; connect() to AF_UNSPEC, which no hook sees, may have been since.
static __always_inline bool is_connected(const struct bpf_sock* socket) {
  return socket->state == BPF_TCP_ESTABLISHED;  // of UDP sockets, too
}

/// -1: none.
FL_GLOBAL int place_of_frontend(const struct fl_datagram_socket* datagrams,
                                const struct named* frontend) {
  if (!datagrams || !frontend) return -1;
  for (int i = 0; i < FL_TRANSLATIONS; ++i)
    if (asked_for(&datagrams->translation[i], frontend)) return i;
  return -1;
}

FL_GLOBAL int place_of_backend(const struct fl_datagram_socket* datagrams,
                               const struct named* backend) {
  if (!datagrams || !backend) return -1;
  for (int i = 0; i < FL_TRANSLATIONS; ++i)
    if (leads_to(&datagrams->translation[i], backend)) return i;
  return -1;
}

FL_GLOBAL int free_place(const struct fl_datagram_socket* datagrams) {
  if (!datagrams) return -1;
  for (int i = 0; i < FL_TRANSLATIONS; ++i)
    if (!datagrams->translation[i].frontend_port) return i;
  return -1;
}

static __always_inline struct fl_translation* at_place(struct fl_datagram_socket* datagrams,
                                                       int place) {
  return &datagrams->translation[place & (FL_TRANSLATIONS - 1)];
}

static __always_inline struct fl_translation* find_frontend(struct fl_datagram_socket* datagrams,
                                                            const struct named* frontend) {
  const int place = place_of_frontend(datagrams, frontend);
  if (place < 0) return NULL;
  datagrams->last = place;
  return at_place(datagrams, place);
}

/// Of several that lead to this backend the one that was used last.
static __always_inline const struct fl_translation* find_backend(
    struct fl_datagram_socket* datagrams, const struct named* backend) {
  const struct fl_translation* last = at_place(datagrams, datagrams->last);
  if (leads_to(last, backend)) return last;
  const int place = place_of_backend(datagrams, backend);
  return place < 0 ? NULL : at_place(datagrams, place);
}

/// Which place the next translation gets: a free one, or with `evict` the oldest. NULL: none.
static __always_inline struct fl_translation* next_place(struct fl_datagram_socket* datagrams,
                                                         bool evict) {
  int place = free_place(datagrams);
  if (place < 0 && !evict) return NULL;
  if (place < 0) place = datagrams->next++;
  datagrams->last = place;
  return at_place(datagrams, place);
}

FL_GLOBAL int forget_datagrams(struct fl_datagram_socket* datagrams, const struct named* backend) {
  if (!datagrams || !backend) return 0;
  for (int i = 0; i < FL_TRANSLATIONS; ++i)
    if (leads_to(&datagrams->translation[i], backend)) datagrams->translation[i].frontend_port = 0;
  return 0;
}

/// The application now sends to this address by its own name: what comes from there is not the
/// answer of a Service any more.
FL_GLOBAL int forget_backend(struct bpf_sock_addr* ctx, const struct named* backend) {
  if (!backend) return 0;
  struct fl_socket* socket = connection_of(ctx->sk, 0);
  if (socket && leads_to(&socket->connection, backend)) {
    // send() of an IPv6 socket that is connected to an IPv4 address: Linux names the peer itself.
    if (is_connected(ctx->sk)) return 0;
    socket->connection.frontend_port = 0;
  }
  struct fl_datagram_socket* datagrams = datagrams_of(ctx->sk, 0);
  if (datagrams) forget_datagrams(datagrams, backend);
  return 0;
}

static __always_inline void write_translation(struct fl_translation* t,
                                              const struct named* frontend,
                                              const struct choice* choice) {
  t->frontend = frontend->address;
  t->frontend_port = frontend->port;
  t->backend = choice->address;
  t->backend_port = choice->port;
  t->index = choice->index;
}

static __always_inline bool is_backend(const struct fl_translation* t, __u32 record) {
  const struct fl_backend* backend = bpf_map_lookup_elem(&records, &record);
  return backend && is_same(&backend->address, backend->port, &t->backend, t->backend_port);
}

/// How far from where it was a backend is looked for in its group, which is sorted: endpoints that
/// come or go before it move it by as many places.
#define FL_MEMBER_WINDOW 12

/// Whether the backend still gets what is sent to this frontend.
FL_GLOBAL int is_still_member(__u32 block, __u32 verdict, struct fl_translation* t) {
  if (!t) return false;
  const struct fl_header* header = header_of(block);
  const struct fl_group* group = group_of(block, verdict);
  if (!header || !group) return false;
  if (header->affinity_seconds) {
    const struct fl_member_key member = {.service = header->service,
                                         .address = t->backend,
                                         .port = t->backend_port,
                                         .group = verdict & FL_VERDICT_LOCAL ? 1 : 0};
    return bpf_map_lookup_elem(&members, &member) != NULL;
  }
  const __u32 index = t->index, count = group->count, first = block + group->first;
  if (index < count && is_backend(t, first + index)) return true;
  const __u32 start = index > FL_MEMBER_WINDOW ? index - FL_MEMBER_WINDOW : 0;
  for (__u32 i = 0; i < 2 * FL_MEMBER_WINDOW; ++i) {
    if (start + i >= count) return false;
    if (!is_backend(t, first + start + i)) continue;
    t->index = start + i;
    return true;
  }
  return false;
}
