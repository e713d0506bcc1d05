// Fragments: the first has the ports, the others ask what it had.
//
//   first fragment of ours  -> remembered: source, destination, id -> protocol, ports
//   later fragment          -> its first's ports, and on as any packet; only addresses are
//                              translated, and the checksum of the datagram is the first's business
#pragma once

#include "packet.h"

/// A receiver gives up on a datagram after 30 s (Linux, and within RFC 8200's 60 s): whoever has
/// the id later is another.
#define FL_FRAGMENT_TICKS 30

/// The map's key and value, in memory that is not the stack's.
struct fragment {
  struct fl_fragment_key key;
  struct fl_fragment first;
};

static __always_inline void set_fragment_key(struct fragment* f, const struct packet* p,
                                             const bool ipv6) {
  __builtin_memset(&f->key, 0, sizeof(f->key));
  f->key.source = p->tuple.source;
  f->key.destination = p->tuple.destination;
  f->key.id = p->fragment_id;
  // IPv6: a later fragment need not have the first's next header (RFC 8200 4.5).
  f->key.protocol = ipv6 ? 0 : p->protocol;
}

/// Sets protocol and ports of a later fragment. False: its first has not come by.
static __always_inline bool find_fragment_ports(struct packet* p, struct fragment* f,
                                                const bool ipv6) {
  set_fragment_key(f, p, ipv6);
  const struct fl_fragment* first = bpf_map_lookup_elem(&fragments, &f->key);
  if (!first || now_ticks() - first->stamp > FL_FRAGMENT_TICKS) return false;
  p->protocol = first->protocol;
  p->tuple.source_port = first->source_port;
  p->tuple.destination_port = first->destination_port;
  return true;
}

/// `p` is a first fragment of a packet of ours, before it is rewritten.
static __always_inline void remember_fragment(const struct packet* p, struct fragment* f,
                                              const bool ipv6) {
  if (p->dry) return;
  set_fragment_key(f, p, ipv6);
  __builtin_memset(&f->first, 0, sizeof(f->first));
  f->first.source_port = p->tuple.source_port;
  f->first.destination_port = p->tuple.destination_port;
  f->first.protocol = p->protocol;
  f->first.stamp = now_ticks();
  bpf_map_update_elem(&fragments, &f->key, &f->first, BPF_ANY);
}
