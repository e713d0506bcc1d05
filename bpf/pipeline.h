// What happens to a packet, step by step.
//
//   parse -> ICMP error? -> later fragment? -> flow table -- hit ---------------> route -> rewrite
//                                                  '- miss -> begin_flow() (nat.h) --^     ->
//                                                  forward
#pragma once

#include "fragments.h"
#include "icmp.h"
#include "nat.h"
#include "refuse.h"

/// The ports of a later fragment.
static __always_inline enum outcome restore_ports(struct packet* p, const struct fl_config* node,
                                                  const bool ipv6) {
  if (find_fragment_ports(p, ipv6)) return GO_ON;
  // For an address of Services alone there is nobody else to send it to.
  const struct fl_frontend_key key = {.address = p->tuple.destination};
  if (node->mode == FL_MODE_DRAINING || !is_interesting(&key.address)) return UNTOUCHED;
  return look_up_word(&key) & FL_ADDRESS_CLUSTER_IP ? DROP_FIRST + FL_DROP_FRAGMENT_ORDER
                                                    : UNTOUCHED;
}

/// Of what leaves the host's stack only replies of backends on the node itself are ours.
static __always_inline enum outcome process_egress(struct packet* p, const struct flow* flow,
                                                   const bool ipv6) {
  const __u8 ours = FL_FLOW_REPLY | FL_FLOW_HOST;
  if ((flow->state & ours) != ours) return UNTOUCHED;
  if (p->is_fragment && !p->is_later_fragment) remember_fragment(p, ipv6);
  note_packet(flow, p->tcp_flags, ipv6);
  return rewrite(p, flow, false, ipv6) ? UNTOUCHED : DROP_FIRST + FL_DROP_MALFORMED;
}

/// The route of a packet whose flow the table knows.
static __always_inline enum outcome route_known(struct packet* p, const struct fl_config* node,
                                                const struct flow* flow, const bool ipv6,
                                                struct route* route) {
  trace_step(p->dry, FL_TRACE_FLOW);
  if (p->hook == FL_HOOK_TC_INGRESS && node->forward_by_stack) {
    route->way = WAY_STACK;
  } else {
    find_route(p, &flow->new_destination, flow->new_destination_port, ipv6, route);
    if (p->hook == FL_HOOK_XDP && !leaves_by_same_link(p, route)) return UNTOUCHED;
    if (route->way == WAY_TOO_BIG) return ANSWER_TOO_BIG;
  }
  if (!p->dry) note_packet(flow, p->tcp_flags, ipv6);
  return GO_ON;
}

static __always_inline enum outcome send(struct packet* p, const struct flow* flow,
                                         const struct route* route, const bool ipv6) {
  if (p->dry) {
    trace_end(p->dry, flow, route);
    return UNTOUCHED;
  }
  if (p->is_fragment && !p->is_later_fragment) remember_fragment(p, ipv6);
  const bool by_us = route->way == WAY_LINK || route->way == WAY_NEIGHBOUR;
  if (!rewrite(p, flow, by_us, ipv6)) return DROP_FIRST + FL_DROP_MALFORMED;
  return done(p, forward(p, route));
}

static __always_inline enum outcome process_family(struct packet* p, const struct fl_config* node,
                                                   const bool ipv6, struct workspace* work) {
  if (!(ipv6 ? parse_ipv6(p) : parse_ipv4(p))) return UNTOUCHED;
  if (p->is_icmp) {
    const int verdict = translate_icmp_error(p, node, ipv6);
    return verdict == CONTINUE ? UNTOUCHED : done(p, verdict);
  }
  enum outcome end = p->is_later_fragment ? restore_ports(p, node, ipv6) : GO_ON;
  if (end != GO_ON) return end;
  struct flow* flow = &work->of.flow;
  const __u64 key = key_of(&p->tuple, p->protocol);
  work->of.tuple = p->tuple;
  work->of.hash = hash_of(&p->tuple, p->protocol, ipv6);
  const bool known = look_up_flow(&work->of.tuple, key, work->of.hash, ipv6, flow);
  if (p->hook == FL_HOOK_TC_EGRESS) return known ? process_egress(p, flow, ipv6) : UNTOUCHED;
  if (p->hop_limit <= 1) return UNTOUCHED;  // the stack says that its time is exceeded
  end = known && still_holds(p, flow, node, ipv6)
            ? route_known(p, node, flow, ipv6, &work->route)
            : begin_flow(p, node, ipv6, &work->of, &work->route);
  return end == GO_ON ? send(p, flow, &work->route, ipv6) : end;
}

/// What the program returns.
static __always_inline int end_of(struct packet* p, enum outcome end, __u32 mtu, bool ipv6) {
  if (end == DONE) return p->verdict;
  if (end == UNTOUCHED) return pass(p);
  if (end >= DROP_FIRST) {
    trace_drop(p->dry, end - DROP_FIRST);
    return drop(p, end - DROP_FIRST);
  }
  if (p->dry) return drop_verdict(p);
  return end == ANSWER_REFUSED ? refuse(p, ipv6) : too_big(p, mtu, ipv6);
}

static __always_inline int process(struct packet* p) {
  const struct fl_config* node = node_config();
  struct workspace* work = workspace_of(p);
  if (!node || !work || (p->hook == FL_HOOK_XDP && node->forward_by_stack)) return pass(p);
  reload(p);
  p->l3 = p->has_mac ? FL_ETHERNET_BYTES : 0;
  const __be16 type = ether_type(p);
  enum outcome end = UNTOUCHED;
  if (type == bpf_htons(ETH_P_IP))
    end = process_family(p, node, false, work);
  else if (type == bpf_htons(ETH_P_IPV6))
    end = process_family(p, node, true, work);
  return end_of(p, end, work->route.lookup.mtu_result, type == bpf_htons(ETH_P_IPV6));
}
