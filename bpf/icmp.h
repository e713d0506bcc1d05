// ICMP errors that speak of a packet of one of our flows: the packet within is translated back, so
// that who sent it understands.
#pragma once

#include "drop.h"
#include "flows.h"

/// CONTINUE: not an error, or not of a flow of ours. `p->is_icmp` holds.
static __always_inline int translate_icmp_error(struct packet* p, const struct fl_config* node,
                                                const bool ipv6) {
  (void)p, (void)node, (void)ipv6;
  return CONTINUE;
}
