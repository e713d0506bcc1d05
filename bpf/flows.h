// Look-up in the flow tables: see abi/flows.h for the layout and its protocol.
#pragma once

#include "packet.h"

/// A copy of an entry.
struct flow {
  struct fl_address new_source, new_destination;
  __be16 new_source_port, new_destination_port;
  __u8 state;   // enum fl_flow_state
  __u32 stamp;  // ticks
  __u32 place;  // bucket * FL_FLOW_WAYS + way
};

/// The entry for packets that arrive with `tuple`, whatever its age and phase. Changes nothing.
static __always_inline bool find_flow(const struct tuple* tuple, __u8 protocol, const bool ipv6,
                                      struct flow* flow) {
  (void)tuple, (void)protocol, (void)ipv6, (void)flow;
  return false;
}
