// Fragments: the first has the ports, the others ask what it had.
#pragma once

#include "packet.h"

/// Sets the ports in `p->tuple` of a later fragment. False: its first has not come by.
static __always_inline bool find_fragment_ports(struct packet* p, const bool ipv6) {
  (void)p, (void)ipv6;
  return false;
}

/// `p` is a first fragment of a packet of ours, before it is rewritten.
static __always_inline void remember_fragment(const struct packet* p, const bool ipv6) {
  (void)p, (void)ipv6;
}
