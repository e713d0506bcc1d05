// A flow that no table knows: may it come in, where does it go, and what does its backend see?
//
//   admit()        frontend -> scope -> source ranges -> verdict -> backend
//   conntrack_owns()   conntrack's?
//   recall_route()     or find_route()
//   insert_flow4() SNAT? -> two entries, the reply's first
//
// The steps that need no packet are functions of their own: the verifier sees each once.
#pragma once

#include "conntrack.h"
#include "fragments.h"
#include "insert.h"
#include "known_routes.h"
#include "trace.h"

#define FL_SNAT_PROBES 32

struct beginning {
  struct tuple tuple;  // as the packet came
  __u32 interface;     // by which it came
  __u64 hash;          // of `tuple`
  fl_frontend_word word;
  __u8 protocol, tcp_flags;
  bool dry, tentative;  // XDP may find that it cannot forward the packet, and tc chooses once more
  __u8 scope, verdict;
  bool to_host;  // the route leads to the node itself
  __u8 pad;
  __u32 out_interface;
  struct flow flow;        // what the packets become
  struct flow other;       // of another packet of the flow, which was first
  __u64 replaces;          // see struct new_entry
  struct new_entry entry;  // the two, one after the other
  struct conntrack_question conntrack;
};

static __always_inline bool begins_tcp(__u8 protocol, __u8 tcp_flags) {
  return protocol == IPPROTO_TCP && (tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static __always_inline enum outcome outcome_of(enum destination found, const struct fl_config* node,
                                               const struct beginning* of) {
  if (found == NOT_OURS) return UNTOUCHED;
  if (node->mode == FL_MODE_DRAINING) {
    trace_step(of->dry, FL_TRACE_DRAINING);
    return UNTOUCHED;
  }
  if (found == UNALLOCATED) return DROP_FIRST + FL_DROP_UNALLOCATED;
  if (found == REFUSED) {
    trace_step(of->dry, FL_TRACE_REFUSED);
    return ANSWER_REFUSED;
  }
  // Nobody's connection is reset: an answer would be wrong, and a flow of it of no use.
  return of->tcp_flags & TCP_RST ? UNTOUCHED : GO_ON;
}

static __always_inline int classify(struct beginning* of, const bool ipv6) {
  const struct fl_config* node = node_config();
  if (!node) return UNTOUCHED;
  return outcome_of(find_destination(node, &of->tuple.destination, of->tuple.destination_port,
                                     of->protocol, ipv6, &of->word),
                    node, of);
}
__noinline int classify4(struct beginning* of) { return of ? classify(of, false) : UNTOUCHED; }
__noinline int classify6(struct beginning* of) { return of ? classify(of, true) : UNTOUCHED; }

static __always_inline enum fl_scope scope_of(const struct beginning* of,
                                              const struct fl_config* node) {
  // As IPv6: an IPv4 address is one as well, and has prefixes of its own.
  if (in_prefixes(&of->tuple.source, node->internal, node->internal_prefix_count, true))
    return FL_SCOPE_INTERNAL;
  if (node->no_internal_interfaces) return FL_SCOPE_EXTERNAL;
  const __u32 index = of->interface;
  const struct fl_interface* interface = bpf_map_lookup_elem(&interfaces, &index);
  return interface && interface->flags & FL_INTERFACE_INTERNAL ? FL_SCOPE_INTERNAL
                                                               : FL_SCOPE_EXTERNAL;
}

static __always_inline bool in_source_ranges(const struct beginning* of) {
  const struct fl_header* header = header_of(block_of(of->word));
  if (!header) return false;
  const struct fl_range_key key = {
      .prefix_length = FL_RANGE_PREFIX + 128,
      .service = {(__u32)header->service, (__u32)(header->service >> 32)},
      .address = of->tuple.source};
  return bpf_map_lookup_elem(&source_ranges, &key) != NULL;
}

static __always_inline enum outcome judge_source(struct beginning* of,
                                                 const struct fl_config* node) {
  of->scope = scope_of(of, node);
  of->verdict = verdict_of(of->word, of->scope);
  struct fl_trace* out = trace_of(of->dry);
  if (out) {
    out->step = FL_TRACE_FRONTEND;
    out->scope = of->scope;
    out->verdict = of->verdict;
    out->block = block_of(of->word);
  }
  if (of->word & FL_FRONTEND_RANGES && !in_source_ranges(of))
    return DROP_FIRST + FL_DROP_SOURCE_RANGE;
  const __u8 action = of->verdict & FL_VERDICT_ACTION;
  if (action == FL_ACTION_DROP) return DROP_FIRST + FL_DROP_POLICY;
  return action == FL_ACTION_REJECT ? ANSWER_REFUSED : GO_ON;
}

/// Whether the packet's source may use the frontend, and what its packets become: everything but
/// the source of who is masqueraded.
__noinline int admit(struct beginning* of) {
  const struct fl_config* node = node_config();
  if (!of || !node) return UNTOUCHED;
  const enum outcome end = judge_source(of, node);
  if (end != GO_ON) return end;
  struct chooser how = {.client = of->tuple.source, .hash = of->hash >> 32};
  const bool recovered = of->protocol == IPPROTO_TCP && !begins_tcp(of->protocol, of->tcp_flags);
  how.use_hash = recovered || (of->scope == FL_SCOPE_EXTERNAL && of->word & FL_FRONTEND_EXTERNAL);
  how.dry = of->dry || of->tentative;
  struct choice choice = {};
  if (!choose_backend(block_of(of->word), of->verdict, &how, &choice)) return ANSWER_REFUSED;
  of->flow.new_source = of->tuple.source;
  of->flow.new_source_port = of->tuple.source_port;
  of->flow.new_destination = choice.address;
  of->flow.new_destination_port = choice.port;
  of->flow.state = FL_FLOW_NEW;
  trace_choice(of->dry, &choice);
  return GO_ON;
}

/// What a tentative choice has left undone: it holds now.
__noinline int settle_choice(struct beginning* of) {
  struct fl_header* header = of ? header_of(block_of(of->word)) : NULL;
  if (!header) return 0;
  if (header->affinity_seconds) {
    const struct chooser how = {.client = of->tuple.source};
    const struct choice choice = {.address = of->flow.new_destination,
                                  .port = of->flow.new_destination_port};
    remember(header, &how, &choice);
  }
  if (header->algorithm == FL_ALGORITHM_ROUND_ROBIN) __sync_fetch_and_add(&header->next, 1);
  return 0;
}

/// Sets the node's address that the backend sees instead of the client's.
static __always_inline bool set_node_source(struct beginning* of, const struct fl_config* node,
                                            const bool ipv6) {
  const int family = ipv6 ? 1 : 0;
  of->flow.new_source = node->node_address[family];
  const __u32 index = of->out_interface;
  const bool is_known =
      index == node->node_interface && node->node_interface_families & (1 << family);
  const struct fl_interface* interface = is_known ? NULL : bpf_map_lookup_elem(&interfaces, &index);
  if (interface && !is_unspecified(&interface->address[family], ipv6))
    of->flow.new_source = interface->address[family];
  return !is_unspecified(&of->flow.new_source, ipv6);
}

/// Before the flow is in the tables: its reply must find the egress hook awake.
static __always_inline void note_host_flow(bool dry) {
  struct fl_config* node = node_config();
  if (node && !dry && !node->has_host_flows) node->has_host_flows = 1;
}

static __always_inline int insert(struct new_entry* entry, const bool ipv6) {
  const int place = ipv6 ? insert_entry6(entry) : insert_entry4(entry);
  if (place != INSERT_RACE) return place;
  return ipv6 ? insert_entry6(entry) : insert_entry4(entry);
}

/// The reply's entry, with the first source port that is free towards this backend. Its place, or
/// an insert_failure. `keep_port`: the client's own is tried first.
static __always_inline int insert_reply(struct beginning* of, const struct fl_config* node,
                                        bool keep_port, const bool ipv6) {
  struct new_entry* reply = &of->entry;
  reply->yields = 0;
  reply->replaces = 0;
  reply->protocol = of->protocol;
  reply->state = of->flow.state | FL_FLOW_REPLY;
  reply->tuple.source = of->flow.new_destination;
  reply->tuple.source_port = of->flow.new_destination_port;
  reply->tuple.destination = of->flow.new_source;
  reply->becomes.source = of->tuple.destination;
  reply->becomes.source_port = of->tuple.destination_port;
  reply->becomes.destination = of->tuple.source;
  reply->becomes.destination_port = of->tuple.source_port;
  const __u32 first = node->snat_port_first;
  const __u32 ports = (__u32)node->snat_port_last - first + 1;
  // Where it begins follows from the flow, so that one that was lost finds its port again.
  __u32 port = (__u32)(of->hash >> 24);
  const __u32 step = (__u32)(of->hash >> 48) | 1;
  for (int probe = 0; probe < FL_SNAT_PROBES; ++probe, port += step) {
    of->flow.new_source_port =
        probe == 0 && keep_port ? of->tuple.source_port : bpf_htons(first + port % ports);
    reply->tuple.destination_port = of->flow.new_source_port;
    const int place = insert(reply, ipv6);
    if (place != INSERT_TAKEN) return place;
  }
  return INSERT_TAKEN;
}

/// Another packet of the flow, on another CPU, was first: its translation holds. Our reply's entry
/// goes, unless it is that one's, too.
static __always_inline int follow_other(struct beginning* of, __u32 place, const bool ipv6) {
  const __u64 key = key_of(&of->tuple, of->protocol);
  // It is not yet published: this packet goes its own way, and its answer comes back.
  if (!look_up_flow(&of->tuple, key, of->hash, ipv6, &of->other)) return GO_ON;
  if (of->other.new_source_port == of->flow.new_source_port &&
      of->other.new_destination_port == of->flow.new_destination_port &&
      same_address(&of->other.new_source, &of->flow.new_source, ipv6) &&
      same_address(&of->other.new_destination, &of->flow.new_destination, ipv6))
    return GO_ON;
  remove_entry(place, ipv6);
  of->flow = of->other;
  return FOLLOW;
}

/// Both entries, or none. FOLLOW: `of->flow` is another's, and its route is not known.
static __always_inline int insert_flow(struct beginning* of, const bool ipv6) {
  const struct fl_config* node = node_config();
  if (!node) return UNTOUCHED;
  bool keep_port = true;
  if (of->to_host) {
    of->flow.state |= FL_FLOW_HOST;  // never masqueraded: its own address would be a martian source
    note_host_flow(of->dry);
  } else if (of->verdict & FL_VERDICT_MASQUERADE ||
             same_address(&of->flow.new_destination, &of->tuple.source, ipv6)) {
    if (!set_node_source(of, node, ipv6)) return DROP_FIRST + FL_DROP_NO_SNAT_PORT;
    keep_port = false;
  }
  if (of->dry) return GO_ON;
  note_use();
  const int place = insert_reply(of, node, keep_port, ipv6);
  if (place == INSERT_TAKEN) return DROP_FIRST + FL_DROP_NO_SNAT_PORT;
  if (place < 0) return DROP_FIRST + FL_DROP_FLOW_TABLE_FULL;
  struct new_entry* original = &of->entry;
  original->yields = 1;
  original->replaces = of->replaces;
  original->state = of->flow.state;
  original->tuple = of->tuple;
  original->becomes.source = of->flow.new_source;
  original->becomes.source_port = of->flow.new_source_port;
  original->becomes.destination = of->flow.new_destination;
  original->becomes.destination_port = of->flow.new_destination_port;
  const int taken = insert(original, ipv6);
  if (taken == INSERT_TAKEN) return follow_other(of, place, ipv6);
  if (taken < 0) {
    remove_entry(place, ipv6);
    return DROP_FIRST + FL_DROP_FLOW_TABLE_FULL;
  }
  count(FL_COUNT_FLOWS_CREATED);
  if (of->protocol == IPPROTO_TCP && !begins_tcp(of->protocol, of->tcp_flags))
    count(FL_COUNT_FLOWS_RECOVERED);
  return GO_ON;
}
__noinline int insert_flow4(struct beginning* of) {
  return of ? insert_flow(of, false) : UNTOUCHED;
}
__noinline int insert_flow6(struct beginning* of) { return of ? insert_flow(of, true) : UNTOUCHED; }

/// What is too large for the stack, on each CPU. Programs of packets do not interrupt each other;
/// fairlead_explain, which they may interrupt, has one of its own.
struct workspace {
  __u64 facts;  // of settle()
  struct beginning of;
  struct route route;
  struct fragment fragment;
  union address_tail tail;
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct workspace);
} workspaces SEC(".maps");

static __always_inline struct workspace* workspace_of(const struct packet* p) {
  __u32 index = p->dry ? 1 : 0;
  return bpf_map_lookup_elem(&workspaces, &index);
}

/// GO_ON: `of->flow` and `route` say what to do with the packet, and the flow is in the tables.
static __always_inline enum outcome begin_flow(struct packet* p, const struct fl_config* node,
                                               const bool ipv6, struct beginning* of,
                                               struct route* route) {
  of->interface = ingress_interface(p);
  of->protocol = p->protocol;
  of->tcp_flags = p->tcp_flags;
  of->dry = p->dry;
  of->tentative = p->hook == FL_HOOK_XDP;
  enum outcome end = ipv6 ? classify6(of) : classify4(of);
  if (end != GO_ON) return end;
  if (!begins_tcp(p->protocol, p->tcp_flags) && conntrack_owns(p, node, ipv6, &of->conntrack)) {
    trace_step(p->dry, FL_TRACE_FOREIGN);
    if (!p->dry) count(FL_COUNT_FOREIGN_PACKETS);
    return UNTOUCHED;
  }
  end = admit(of);
  if (end != GO_ON) return end;
  if (p->dry || !recall_route(p, node, &of->flow.new_destination, ipv6, route)) {
    find_route(p, &of->flow.new_destination, of->flow.new_destination_port, ipv6, route);
    if (!p->dry && has_plain_routes(node, now_ticks()))
      keep_route(p, node, &of->flow.new_destination, ipv6, route);
  }
  if (p->hook == FL_HOOK_XDP && !leaves_by_same_link(p, route)) return UNTOUCHED;
  if (route->way == WAY_TOO_BIG) return ANSWER_TOO_BIG;
  if (of->tentative) settle_choice(of);
  of->to_host = route->way == WAY_HOST;
  of->out_interface = route->lookup.ifindex;
  if (node->forward_by_stack && !of->to_host) route->way = WAY_STACK;
  return ipv6 ? insert_flow6(of) : insert_flow4(of);
}
