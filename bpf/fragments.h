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

static __always_inline struct fl_fragment_key fragment_key(const struct packet* p,
                                                           const bool ipv6) {
  const struct fl_fragment_key key = {
      .source = p->tuple.source,
      .destination = p->tuple.destination,
      .id = p->fragment_id,
      // IPv6: a later fragment need not have the first's next header (RFC 8200 4.5).
      .protocol = ipv6 ? 0 : p->protocol,
  };
  return key;
}

/// Sets protocol and ports of a later fragment. False: its first has not come by.
static __always_inline bool find_fragment_ports(struct packet* p, const bool ipv6) {
  const struct fl_fragment_key key = fragment_key(p, ipv6);
  const struct fl_fragment* first = bpf_map_lookup_elem(&fragments, &key);
  if (!first || now_ticks() - first->stamp > FL_FRAGMENT_TICKS) return false;
  p->protocol = first->protocol;
  p->tuple.source_port = first->source_port;
  p->tuple.destination_port = first->destination_port;
  return true;
}

/// `p` is a first fragment of a packet of ours, before it is rewritten.
static __always_inline void remember_fragment(const struct packet* p, const bool ipv6) {
  if (p->dry) return;
  const struct fl_fragment_key key = fragment_key(p, ipv6);
  const struct fl_fragment first = {.source_port = p->tuple.source_port,
                                    .destination_port = p->tuple.destination_port,
                                    .protocol = p->protocol,
                                    .stamp = now_ticks()};
  bpf_map_update_elem(&fragments, &key, &first, BPF_ANY);
}
