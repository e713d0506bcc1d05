// A flow's life: how old it may get, and what packets do to its state.
//
//   still_holds()   may this packet use the entry, or does it begin a flow anew?
//   note_packet()   the time of the last packet, once a tick; TCP's end; the first reply
//   is_over()       has an entry's time come, and that of its partner in the other direction?
#pragma once

#include "flows.h"

/// Before a flow is in the tables, and once a tick of each flow.
static __always_inline void note_use(void) {
  struct fl_config* node = node_config();
  const __u32 now = now_ticks();
  if (node && node->last_use != now) node->last_use = now;
}

/// Can there be a flow that is not over? Where no packet was translated for so long, none is looked
/// for.
static __always_inline bool may_have_flows(const struct fl_config* node) {
  return (__s32)(now_ticks() - node->last_use) <= (__s32)node->longest_timeout;
}

/// Do packets of the other direction of `of` arrive with the addresses of `entry`?
static __always_inline bool is_partner(const void* entry, const void* of, const bool ipv6) {
  if (!ipv6) {
    const struct fl_flow4 *a = entry, *b = of;
    return a->source == b->new_destination && a->destination == b->new_source;
  }
  const struct fl_flow6 *a = entry, *b = of;
  return is_at(a->source, (const struct fl_address*)b->new_destination) &&
         is_at(a->destination, (const struct fl_address*)b->new_source);
}

static __always_inline __u64 partner_key(void* of, const bool ipv6) {
  const __u8 protocol = *control_of(of, ipv6) >> 32;
  if (ipv6) {
    const struct fl_flow6* e = of;
    return fl_flow_key(e->new_destination_port, e->new_source_port, protocol);
  }
  const struct fl_flow4* e = of;
  return fl_flow_key(e->new_destination_port, e->new_source_port, protocol);
}

static __always_inline __u64 partner_hash(const void* of, __u64 key, const bool ipv6) {
  if (ipv6) {
    const struct fl_flow6* e = of;
    return fl_flow_hash((const struct fl_address*)e->new_destination,
                        (const struct fl_address*)e->new_source, key, true);
  }
  const struct fl_flow4* e = of;
  const struct fl_address source = address_of_v4(e->new_destination),
                          destination = address_of_v4(e->new_source);
  return fl_flow_hash(&source, &destination, key, false);
}

enum { NO_PLACE = 0x7fffffff };

/// The place of the other direction's entry. It compares with what lies in `of` itself: a copy
/// would be large on the stack.
static __always_inline __u32 find_partner(void* of, const bool ipv6) {
  const __u64 key = partner_key(of, ipv6);
  const __u64 hash = partner_hash(of, key, ipv6);
#pragma clang loop unroll(disable)
  for (__u32 probe = 0; probe < FL_FLOW_PROBES; ++probe) {
    const __u32 index = fl_flow_bucket(hash, probe, buckets_of(ipv6));
    void* first = bucket_at(index, ipv6);
    if (!first) return NO_PLACE;
    void* second = way_of(first, 1, ipv6);
    const __u64 control = *control_of(first, ipv6);
    if (is_published(control, key) && is_partner(first, of, ipv6)) return index * FL_FLOW_WAYS;
    if (is_published(*control_of(second, ipv6), key) && is_partner(second, of, ipv6))
      return index * FL_FLOW_WAYS + 1;
    if (!(state_of(control) & FL_FLOW_SPILLED)) return NO_PLACE;
  }
  return NO_PLACE;
}

static __always_inline __u32 time_of(__u64 control, const struct fl_timeouts* timeouts) {
  const bool tcp = (__u8)(control >> 32) == IPPROTO_TCP;
  switch (phase_of(control)) {
    case FL_FLOW_NEW:
      return tcp ? timeouts->tcp_new : timeouts->udp_new;
    case FL_FLOW_ESTABLISHED:
      return tcp ? timeouts->tcp_established : timeouts->udp_established;
    case FL_FLOW_CLOSING:
      return timeouts->tcp_closing;
    default:
      return timeouts->closed;
  }
}

static __always_inline bool is_past(__u64 control, __u32 stamp,
                                    const struct fl_timeouts* timeouts) {
  // Signed: another CPU's tick may be ahead of ours.
  return fl_stamp_age(stamp, now_ticks()) > (__s32)time_of(control, timeouts);
}

/// The place's entry has had its time, and so has its partner.
static __always_inline int flow_is_over(__u32 place, const bool ipv6) {
  const struct fl_config* node = node_config();
  void* entry = entry_at(place, ipv6);
  if (!node || !entry) return 0;
  if (!is_past(*control_of(entry, ipv6), *stamp_of(entry, ipv6), &node->timeouts)) return 0;
  const __u32 partner = find_partner(entry, ipv6);
  void* other = partner == NO_PLACE ? NULL : entry_at(partner, ipv6);
  if (!other) return 1;
  return is_past(*control_of(other, ipv6), *stamp_of(other, ipv6), &node->timeouts);
}
__noinline int flow_is_over4(__u32 place) { return flow_is_over(place, false); }
__noinline int flow_is_over6(__u32 place) { return flow_is_over(place, true); }
static __always_inline bool is_over(__u32 place, const bool ipv6) {
  return ipv6 ? flow_is_over6(place) : flow_is_over4(place);
}

/// Sets the phase, and `bits`, of an entry that is still the one that had `control`. The entry's
/// state from before, or 0.
static __always_inline __u8 advance(void* entry, __u64 control, enum fl_flow_phase phase, __u8 bits,
                                    const bool ipv6) {
  volatile __u64* at = control_of(entry, ipv6);
  for (int attempt = 0; attempt < 3; ++attempt) {  // again if another changed the state meanwhile
    const __u64 now = *at;
    if ((now ^ control) & ~(0xffULL << FL_FLOW_STATE_SHIFT)) return 0;
    __u8 state = state_of(now);
    if ((state & FL_FLOW_PHASE) < phase) state = (state & ~FL_FLOW_PHASE) | phase;
    state |= bits;
    const __u64 next = (now & ~(0xffULL << FL_FLOW_STATE_SHIFT)) | (__u64)state
                                                                       << FL_FLOW_STATE_SHIFT;
    if (next == now || __sync_val_compare_and_swap(at, now, next) == now) return state_of(now);
  }
  return 0;
}

/// Where a packet with these flags takes a flow whose entry has `state`.
static __always_inline enum fl_flow_phase next_phase(__u8 state, __u8 flags) {
  if (flags & TCP_RST) return FL_FLOW_CLOSED;
  if (flags & TCP_FIN) return FL_FLOW_CLOSING;
  const __u8 phase = state & FL_FLOW_PHASE;
  return phase == FL_FLOW_NEW && state & FL_FLOW_REPLY ? FL_FLOW_ESTABLISHED : phase;
}

static __always_inline int touch_flow(__u32 place, __u64 control, __u8 flags, __u32 stamp,
                                      const bool ipv6) {
  void* entry = entry_at(place, ipv6);
  if (!entry) return 0;
  *stamp_of(entry, ipv6) = stamp;
  note_use();
  enum fl_flow_phase phase = next_phase(state_of(control), flags);
  const __u8 bits = flags & TCP_FIN ? FL_FLOW_FIN : 0;
  if (phase == phase_of(control) && !(bits & ~state_of(control))) return 0;
  const __u32 partner = find_partner(entry, ipv6);
  void* other = partner == NO_PLACE ? NULL : entry_at(partner, ipv6);
  const __u64 other_control = other ? *control_of(other, ipv6) : 0;
  if (bits && state_of(other_control) & FL_FLOW_FIN) phase = FL_FLOW_CLOSED;
  advance(entry, control, phase, bits, ipv6);
  if (other) advance(other, other_control, phase, 0, ipv6);
  return 0;
}
__noinline int touch_flow4(__u32 place, __u64 control, __u8 flags, __u32 stamp) {
  return touch_flow(place, control, flags, stamp, false);
}
__noinline int touch_flow6(__u32 place, __u64 control, __u8 flags, __u32 stamp) {
  return touch_flow(place, control, flags, stamp, true);
}

/// A packet with these TCP flags belongs to the flow; `stamp`: now, and by which hop it leaves.
static __always_inline void note_packet(const struct flow* flow, __u8 flags, __u32 stamp,
                                        const bool ipv6) {
  const __u8 state = flow->state;
  const bool moves = (flags & (TCP_FIN | TCP_RST)) ||
                     (state & (FL_FLOW_REPLY | FL_FLOW_PHASE)) == (FL_FLOW_REPLY | FL_FLOW_NEW);
  if (!moves && flow->stamp == stamp) return;
  if (ipv6)
    touch_flow6(flow->place, flow->control, flags, stamp);
  else
    touch_flow4(flow->place, flow->control, flags, stamp);
}

/// False: what the table knows is of an earlier flow with the same tuple; this packet begins one.
static __always_inline bool still_holds(const struct packet* p, const struct flow* flow,
                                        const struct fl_config* node, const bool ipv6) {
  const __u8 phase = flow->state & FL_FLOW_PHASE;
  if (p->protocol == IPPROTO_TCP) {
    // A reset or a later packet still goes where the flow went, however old its entry.
    if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN) return true;
    if (phase >= FL_FLOW_CLOSING) return false;
  } else if (phase == FL_FLOW_CLOSED) {
    return false;
  }
  if (!is_past(flow->control, flow->stamp, &node->timeouts)) return true;
  return !is_over(flow->place, ipv6);
}
