// Entry points of the packet path. A program is one call: the constants choose what it is.
#pragma once

#include "choose.h"
#include "fragments.h"
#include "icmp.h"
#include "refuse.h"

static __always_inline int process_family(struct packet* p, const struct fl_config* node,
                                          const bool ipv6) {
  if (!(ipv6 ? parse_ipv6(p) : parse_ipv4(p))) return pass(p);
  if (p->is_icmp) {
    const int verdict = translate_icmp_error(p, node, ipv6);
    return verdict == CONTINUE ? pass(p) : verdict;
  }
  if (p->is_later_fragment && !find_fragment_ports(p, ipv6)) return pass(p);
  fl_frontend_word word = 0;
  switch (find_destination(node, &p->tuple.destination, p->tuple.destination_port, p->protocol,
                           ipv6, &word)) {
    case REFUSED:
      return refuse(p, ipv6);
    case UNALLOCATED:
      return drop(p, FL_DROP_UNALLOCATED);
    default:
      return pass(p);
  }
}

static __always_inline int process(struct packet* p) {
  const struct fl_config* node = node_config();
  if (!node) return pass(p);
  reload(p);
  p->l3 = p->has_mac ? FL_ETHERNET_BYTES : 0;
  const __be16 type = ether_type(p);
  if (type == bpf_htons(ETH_P_IP)) return process_family(p, node, false);
  if (type == bpf_htons(ETH_P_IPV6)) return process_family(p, node, true);
  return pass(p);
}

SEC("xdp")
int fairlead_xdp(struct xdp_md* ctx) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_XDP, .has_mac = true};
  return process(&p);
}

SEC("tc")
int fairlead_tc_ingress(struct __sk_buff* ctx) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_INGRESS, .has_mac = true};
  return process(&p);
}

SEC("tc")
int fairlead_tc_egress(struct __sk_buff* ctx) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_EGRESS, .has_mac = true};
  return process(&p);
}

SEC("tc")
int fairlead_tc_ingress_l3(struct __sk_buff* ctx) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_INGRESS, .has_mac = false};
  return process(&p);
}

SEC("tc")
int fairlead_tc_egress_l3(struct __sk_buff* ctx) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_EGRESS, .has_mac = false};
  return process(&p);
}

SEC("tc")
int fairlead_explain(struct __sk_buff* ctx) {
  struct packet p = {.ctx = ctx, .hook = FL_HOOK_TC_INGRESS, .has_mac = true, .dry = true};
  return process(&p);
}
