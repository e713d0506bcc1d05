// What is counted, and what is told of packets that are dropped.
#pragma once

#include "types.h"

/// Index of `counters`, PERCPU_ARRAY of __u64. Names for people are in dataplane/ebpf/names.cpp, in
/// this order.
enum fl_counter {
  FL_COUNT_FLOWS_CREATED,
  FL_COUNT_FLOWS_REPLACED,                              // a finished flow's place was taken
  FL_COUNT_FLOWS_RECOVERED,                             // not SYN, unknown, sent where Maglev says
  FL_COUNT_FOREIGN_PACKETS,                             // left to Linux conntrack
  FL_COUNT_TO_PEER,                                     // redirected into a pod
  FL_COUNT_TO_WIRE,                                     // redirected out of a link
  FL_COUNT_TO_STACK,                                    // translated, then through the host's stack
  FL_COUNT_REJECTED,                                    // answered by RST or ICMP
  FL_COUNT_SOCKETS_CONNECTED,                           // connect() translated
  FL_COUNT_DATAGRAMS,                                   // sendmsg() translated
  FL_COUNT_DROPS_FIRST,                                 // enum fl_drop counts from here
  FL_COUNT_PODS_FORWARDED = FL_COUNT_DROPS_FIRST + 15,  // between pods, past the host's stack
  FL_COUNT_MAX = FL_COUNT_DROPS_FIRST + 16,
};

enum fl_drop {
  FL_DROP_NONE = 0,
  FL_DROP_POLICY,           // the verdict says drop (policy Local, no local backend)
  FL_DROP_SOURCE_RANGE,     // the source is in none of the Service's ranges
  FL_DROP_UNALLOCATED,      // in a Service range, but no Service has the address
  FL_DROP_NO_SNAT_PORT,     // all ports towards this backend are in use
  FL_DROP_FLOW_TABLE_FULL,  // every place that the flow could take is a live flow's
  FL_DROP_FRAGMENT_ORDER,   // a later fragment came before the first
  FL_DROP_MALFORMED,        // headers cut off or contradictory
  FL_DROP_TOO_BIG,          // answered by ICMP: fragmentation needed
  FL_DROP_NO_ROUTE,
  FL_DROP_TABLES,  // the agent's tables contradict themselves: a defect
  FL_DROP_MAX,
};

/// One record of `drops`, RINGBUF.
struct fl_drop_event {
  struct fl_address source, destination;  // as the packet came
  __be16 source_port, destination_port;
  __u8 protocol;
  __u8 reason;  // enum fl_drop
  __u8 hook;    // enum fl_hook
  __u8 pad;
  __u32 interface;
  __u32 suppressed;  // events that the rate limit kept back before this one, on this CPU
  __u64 time;        // coarse monotonic, ns
};
FL_LAYOUT(struct fl_drop_event, 56);

enum fl_hook { FL_HOOK_XDP = 0, FL_HOOK_TC_INGRESS = 1, FL_HOOK_TC_EGRESS = 2, FL_HOOK_SOCKET = 3 };

/// Map `trace`, ARRAY of one: what the program `fairlead_explain` did with its packet, without
/// leaving a trace in the tables.
enum fl_trace_step {
  FL_TRACE_NOT_OURS = 0,  // no frontend, no flow
  FL_TRACE_FLOW = 1,      // an entry of the flow table decided
  FL_TRACE_FRONTEND = 2,  // a new flow: frontend, verdict, choice
  FL_TRACE_FOREIGN = 3,   // Linux conntrack owns it
  FL_TRACE_REFUSED = 4,   // an address of ours, a port of nobody
  FL_TRACE_DRAINING = 5,
};
struct fl_trace {
  struct fl_address backend;     // zero: none
  struct fl_address new_source;  // of what leaves
  __be16 backend_port, new_source_port;
  __u8 step;      // enum fl_trace_step
  __u8 scope;     // enum fl_scope
  __u8 verdict;   // as in the frontend's word
  __u8 drop;      // enum fl_drop
  __u8 reply;     // the flow's entry was of the reply's direction
  __u8 affinity;  // remembered
  __u8 maglev;
  __u8 pad;
  __u32 block;
  __u32 interface;     // where it leaves; 0: the host's stack
  __u32 verdict_code;  // what the program returned
};
FL_LAYOUT(struct fl_trace, 56);
