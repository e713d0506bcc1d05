// Answers to packets that go nowhere.
#pragma once

#include "drop.h"

/// TCP: RST; else ICMP port unreachable. Returns the hook's verdict.
static __always_inline int refuse(struct packet* p, const bool ipv6) {
  (void)ipv6;
  if (!p->dry) count(FL_COUNT_REJECTED);
  return drop_verdict(p);
}

/// ICMP fragmentation needed, packet too big. The packet is as it came. Returns the hook's verdict.
static __always_inline int too_big(struct packet* p, __u32 mtu, const bool ipv6) {
  (void)mtu, (void)ipv6;
  return drop(p, FL_DROP_TOO_BIG);
}
