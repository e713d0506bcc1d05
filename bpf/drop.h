// Drops: counted by reason, and some of them told.
#pragma once

#include "packet.h"

/// How many more events this CPU may send in `second`.
struct drop_bucket {
  __u32 second;  // in ticks
  __u32 sent, suppressed;
};
FL_MAP(drop_buckets, BPF_MAP_TYPE_PERCPU_ARRAY, 0, __u32, struct drop_bucket);

static __always_inline void tell_drop(struct packet* p, enum fl_drop reason) {
  __u32 zero = 0;
  const struct fl_config* node = node_config();
  struct drop_bucket* bucket = bpf_map_lookup_elem(&drop_buckets, &zero);
  if (!node || !bucket) return;
  const __u32 now = now_ticks();
  if (bucket->second != now) {
    bucket->second = now;
    bucket->sent = 0;
  }
  struct fl_drop_event* event = NULL;
  if (bucket->sent < node->drop_events_a_second)
    event = bpf_ringbuf_reserve(&drops, sizeof(*event), 0);
  if (!event) {
    ++bucket->suppressed;
    return;
  }
  event->source = p->tuple.source;
  event->destination = p->tuple.destination;
  event->source_port = p->tuple.source_port;
  event->destination_port = p->tuple.destination_port;
  event->protocol = p->protocol;
  event->reason = reason;
  event->hook = p->hook;
  event->pad = 0;
  event->interface = ingress_interface(p);
  event->suppressed = bucket->suppressed;
  event->time = bpf_ktime_get_coarse_ns();
  bucket->suppressed = 0;
  ++bucket->sent;
  bpf_ringbuf_submit(event, 0);
}

/// The hook's verdict. `p->tuple` must be as the packet came.
static __always_inline int drop(struct packet* p, enum fl_drop reason) {
  if (!p->dry) {
    count(FL_COUNT_DROPS_FIRST + reason);
    tell_drop(p, reason);
  }
  return drop_verdict(p);
}
