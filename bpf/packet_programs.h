// Entry points of the packet path. A program is one call: the constants choose what it is.
#pragma once

#include "pipeline.h"

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
