// What the agent and the program of layer2.bpf.c share: the addresses that this node answers for.
#pragma once

#include "types.h"

/// Raised with each change of a struct below: the pinned map of another layout is not read.
#define FL_LAYER2_ABI 1

struct fl_layer2_key {
  __u32 interface; /* ifindex, host byte order */
  struct fl_address address;
};
FL_LAYOUT(struct fl_layer2_key, 20);

/// Written by the agent; `ceded` and `claimed_by` by the program, too.
struct fl_layer2_holder {
  __u8 mac[6];        /* what is answered: the interface's own */
  __u8 ceded;         /* 1: another host has announced the address, and nothing is answered */
  __u8 reserved;      /* 0 */
  __u8 claimed_by[6]; /* that host */
  __u8 reserved2[2];  /* 0 */
};
FL_LAYOUT(struct fl_layer2_holder, 16);
