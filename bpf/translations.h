// What a socket remembers: its connection, and the frontends that it sends datagrams to. In the
// storage of the socket itself, so it is gone when the socket is, and nobody's is evicted.
#pragma once

#include "choose.h"

/// An address and port that an application names.
struct named {
  struct fl_address address;
  __be16 port;
};

static __always_inline bool leads_to(const struct fl_translation* t, const struct named* backend) {
  return t->frontend_port && t->backend_port == backend->port &&
         same_address(&t->backend, &backend->address, true);
}

static __always_inline bool asked_for(const struct fl_translation* t,
                                      const struct named* frontend) {
  return t->frontend_port == frontend->port && same_address(&t->frontend, &frontend->address, true);
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
static __always_inline void forget_backend(struct bpf_sock* socket, const struct named* backend) {
  struct fl_socket* connection = connection_of(socket, 0);
  if (connection && leads_to(&connection->connection, backend)) {
    // send() of an IPv6 socket that is connected to an IPv4 address: Linux names the peer itself.
    if (is_connected(socket)) return;
    connection->connection.frontend_port = 0;
  }
  struct fl_datagram_socket* datagrams = datagrams_of(socket, 0);
  if (datagrams) forget_datagrams(datagrams, backend);
}

/// The same for connect(), which also ends the connection that the socket had.
static __always_inline void forget_connection(struct bpf_sock* socket, const struct named* peer,
                                              bool has_datagrams) {
  struct fl_socket* connection = connection_of(socket, 0);
  if (connection) connection->connection.frontend_port = 0;
  struct fl_datagram_socket* datagrams = has_datagrams ? datagrams_of(socket, 0) : NULL;
  if (datagrams) forget_datagrams(datagrams, peer);
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
  return backend && backend->port == t->backend_port &&
         same_address(&backend->address, &t->backend, true);
}

/// How far from where it was a backend is looked for in its group, which is sorted: endpoints that
/// come or go before it move it by as many places.
#define FL_MEMBER_WINDOW 32

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
