// What happens to a packet, step by step.
//
//   parse -> ICMP error? -> later fragment? -> flow table -- hit ---------------> route -> rewrite
//                                                  '- miss -> begin_flow() (nat.h) --^     ->
//                                                  forward
//
//   tc ingress, untouched: from pod to pod? (pods.h)
#pragma once

#include "fragments.h"
#include "icmp.h"
#include "known_routes.h"
#include "nat.h"
#include "pods.h"
#include "refuse.h"

/// A later fragment whose first has not come by. For an address of Services alone there is nobody
/// else to send it to.
__noinline int end_of_lone_fragment(const struct fl_address* destination) {
  const struct fl_config* node = node_config();
  if (!destination || !node || node->mode == FL_MODE_DRAINING || !is_interesting(destination))
    return UNTOUCHED;
  const struct fl_frontend_key key = {.address = *destination};
  return look_up_word(&key) & FL_ADDRESS_CLUSTER_IP ? DROP_FIRST + FL_DROP_FRAGMENT_ORDER
                                                    : UNTOUCHED;
}

/// The ports of a later fragment.
static __always_inline enum outcome restore_ports(struct packet* p, const bool ipv6,
                                                  struct workspace* work) {
  if (!find_fragment_ports(p, &work->fragment, ipv6))
    return end_of_lone_fragment(&work->of.tuple.destination);
  work->of.tuple.source_port = p->tuple.source_port;
  work->of.tuple.destination_port = p->tuple.destination_port;
  return GO_ON;
}

/// Of what leaves the host's stack only replies of backends on the node itself are ours.
static __always_inline enum outcome process_egress(struct packet* p, struct workspace* work,
                                                   const bool ipv6) {
  const struct flow* flow = &work->of.flow;
  const __u8 ours = FL_FLOW_REPLY | FL_FLOW_HOST;
  if ((flow->state & ours) != ours) return UNTOUCHED;
  if (p->is_fragment && !p->is_later_fragment) remember_fragment(p, &work->fragment, ipv6);
  note_packet(flow, p->tcp_flags, fl_stamp(now_ticks(), 0), ipv6);
  return rewrite(p, flow, false, NULL, &work->tail, ipv6) ? UNTOUCHED
                                                          : DROP_FIRST + FL_DROP_MALFORMED;
}

/// The route of a packet whose flow the table knows.
static __always_inline enum outcome route_known(struct packet* p, const struct fl_config* node,
                                                const struct flow* flow, const bool ipv6,
                                                struct route* route) {
  trace_step(p->dry, FL_TRACE_FLOW);
  if (p->hook == FL_HOOK_TC_INGRESS && node->forward_by_stack) {
    route->way = WAY_STACK;
    route->hop_number = 0;
  } else if (p->dry || !(recall_hop(p, flow->stamp, route) ||
                         recall_route(p, node, &flow->new_destination, ipv6, route))) {
    find_route(p, &flow->new_destination, flow->new_destination_port, ipv6, route);
    if (route->way == WAY_TOO_BIG) return p->hook == FL_HOOK_XDP ? UNTOUCHED : ANSWER_TOO_BIG;
    keep_route(p, node, &flow->new_destination, ipv6, route);
  }
  if (p->hook == FL_HOOK_XDP && !leaves_by_same_link(p, route)) return UNTOUCHED;
  if (!p->dry) note_packet(flow, p->tcp_flags, fl_stamp(now_ticks(), route->hop_number), ipv6);
  return GO_ON;
}

static __always_inline enum outcome send(struct packet* p, struct workspace* work,
                                         const bool ipv6) {
  const struct flow* flow = &work->of.flow;
  struct route* route = &work->route;
  if (p->dry) {
    trace_end(p->dry, flow, route);
    return UNTOUCHED;
  }
  if (p->is_fragment && !p->is_later_fragment) remember_fragment(p, &work->fragment, ipv6);
  const bool by_us = route->way == WAY_LINK || route->way == WAY_NEIGHBOUR;
  const __u8* macs = p->has_mac && route->way == WAY_LINK ? route->macs : NULL;
  if (!rewrite(p, flow, by_us, macs, &work->tail, ipv6)) return DROP_FIRST + FL_DROP_MALFORMED;
  return done(p, forward(p, route, has_plain_head(p, ipv6)));
}

/// Most packets are nobody's business here: said without a call, in all clusters but those with
/// many ranges of Services.
static __always_inline bool is_nobodys(const struct packet* p, const struct fl_config* node,
                                       const bool ipv6) {
  const struct fl_address* to = &p->tuple.destination;
  const __u32 prefixes = node->service_prefix_count;
  if (prefixes > 2 || is_interesting(to)) return false;
  return !(prefixes > 0 && in_prefix(to, &node->service[0], ipv6)) &&
         !(prefixes > 1 && in_prefix(to, &node->service[1], ipv6));
}

static __always_inline enum outcome process_family(struct packet* p, const struct fl_config* node,
                                                   const bool ipv6, struct workspace* work) {
  if (!(ipv6 ? parse_ipv6(p) : parse_ipv4(p))) return UNTOUCHED;
  work->of.tuple = p->tuple;
  if (p->is_icmp) {
    const int verdict = translate_icmp_error(p);
    return verdict == CONTINUE ? UNTOUCHED : done(p, verdict);
  }
  if (p->hook == FL_HOOK_TC_EGRESS && !node->has_host_flows) return UNTOUCHED;
  enum outcome end = p->is_later_fragment ? restore_ports(p, ipv6, work) : GO_ON;
  if (end != GO_ON) return end;
  settle(p, &work->facts);
  struct flow* flow = &work->of.flow;
  const __u64 key = key_of(&p->tuple, p->protocol);
  work->of.hash = hash_of(&p->tuple, p->protocol, ipv6);
  const bool known =
      may_have_flows(node) && look_up_flow(&work->of.tuple, key, work->of.hash, ipv6, flow);
  if (p->hook == FL_HOOK_TC_EGRESS) return known ? process_egress(p, work, ipv6) : UNTOUCHED;
  if (!known && is_nobodys(p, node, ipv6)) return UNTOUCHED;
  if (p->hop_limit <= 1) return UNTOUCHED;  // the stack says that its time is exceeded
  end = FOLLOW;
  if (!known || !still_holds(p, flow, node, ipv6)) {
    work->of.replaces = known ? flow->control : 0;
    end = begin_flow(p, node, ipv6, &work->of, &work->route);
  }
  if (end == FOLLOW) end = route_known(p, node, flow, ipv6, &work->route);
  if (end != GO_ON) return end;
  return send(p, work, ipv6);
}

/// Does the frame have less than its IP header says?
static __always_inline bool is_cut_off(struct packet* p) {
  reload(p);
  const __u32 frame = p->hook == FL_HOOK_XDP ? p->data_end - p->data : skb_of(p)->len;
  return frame < p->l3 + p->length;
}

/// What the program returns.
static __always_inline int end_of(struct packet* p, enum outcome end, __u32 mtu, bool ipv6) {
  if (end == DONE) return p->verdict;
  if (end == UNTOUCHED) return pass(p);
  if (end >= DROP_FIRST) {
    trace_drop(p->dry, end - DROP_FIRST);
    return drop(p, end - DROP_FIRST);
  }
  if (end == ANSWER_TOO_BIG) {
    if (is_cut_off(p)) return pass(p);  // its length is a lie, and the stack says so
    drop(p, FL_DROP_TOO_BIG);
  }
  return answer(p, end == ANSWER_TOO_BIG ? mtu : 0, ipv6);
}

/// Of what leaves the host's stack, errors and replies of backends on the node itself can be ours.
static __always_inline bool leaves_untouched(struct packet* p, const struct fl_config* node,
                                             __be16 type) {
  if (p->hook != FL_HOOK_TC_EGRESS || node->has_host_flows) return false;
  const __u8* ip = ensure(p, p->l3, sizeof(struct iphdr));
  if (!ip) return true;
  const __u8 protocol = type == bpf_htons(ETH_P_IP) ? ip[9] : ip[6];
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/// Packets of pods that need no more than was found out already; TC_ACT_UNSPEC: not such a one.
static __always_inline int forward_at_once(struct packet* p, __be16 type) {
  if (type == bpf_htons(ETH_P_IPV6)) return forward_judged6(skb_of(p));
  if (type != bpf_htons(ETH_P_IP)) return TC_ACT_UNSPEC;
  const struct fl_tunnel* tunnel = own_tunnel();
  if (tunnel && tunnel->underlay == ingress_interface(p)) {
    const int verdict = forward_inner4(skb_of(p));
    if (verdict != TC_ACT_UNSPEC) return verdict;
  }
  return forward_judged4(skb_of(p));
}

static __always_inline int process(struct packet* p) {
  const struct fl_config* node = node_config();
  if (!node || (p->hook == FL_HOOK_XDP && node->forward_by_stack)) return pass(p);
  reload(p);
  p->l3 = p->has_mac ? FL_ETHERNET_BYTES : 0;
  const __be16 type = ether_type(p);
  if (leaves_untouched(p, node, type)) return pass(p);
  const bool forwards = forwards_pods(p, node);
  if (forwards) {
    const int verdict = forward_at_once(p, type);
    if (verdict != TC_ACT_UNSPEC) return verdict;
    reload(p);
  }
  struct workspace* work = workspace_of(p);
  if (!work) return pass(p);
  enum outcome end = UNTOUCHED;
  if (type == bpf_htons(ETH_P_IP))
    end = process_family(p, node, false, work);
  else if (type == bpf_htons(ETH_P_IPV6))
    end = process_family(p, node, true, work);
  else
    return pass(p);
  if (end == UNTOUCHED && forwards)
    return type == bpf_htons(ETH_P_IP) ? forward_pod4(skb_of(p), node->pods_epoch)
                                       : forward_pod6(skb_of(p), node->pods_epoch);
  return end_of(p, end, work->route.lookup.mtu_result, type == bpf_htons(ETH_P_IPV6));
}
