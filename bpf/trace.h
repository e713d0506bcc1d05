// What `fairlead explain` is told: map `trace`, written by fairlead_explain alone.
#pragma once

#include "choose.h"
#include "forward.h"

/// `dry`: the program is fairlead_explain. NULL otherwise.
static __always_inline struct fl_trace* trace_of(bool dry) {
  __u32 zero = 0;
  return dry ? bpf_map_lookup_elem(&trace, &zero) : NULL;
}

static __always_inline void trace_step(bool dry, enum fl_trace_step step) {
  struct fl_trace* out = trace_of(dry);
  if (out) out->step = step;
}

static __always_inline void trace_choice(bool dry, const struct choice* choice) {
  struct fl_trace* out = trace_of(dry);
  if (!out) return;
  out->affinity = choice->remembered;
  out->maglev = choice->by_hash;
}

static __always_inline void trace_drop(bool dry, enum fl_drop reason) {
  struct fl_trace* out = trace_of(dry);
  if (out) out->drop = reason;
}

static __always_inline void trace_end(bool dry, const struct flow* flow,
                                      const struct route* route) {
  struct fl_trace* out = trace_of(dry);
  if (!out) return;
  out->backend = flow->new_destination;
  out->backend_port = flow->new_destination_port;
  out->new_source = flow->new_source;
  out->new_source_port = flow->new_source_port;
  out->reply = (flow->state & FL_FLOW_REPLY) != 0;
  if (route->way == WAY_LINK || route->way == WAY_NEIGHBOUR) out->interface = route->lookup.ifindex;
}
