// Entry points of the packet path: see packet.h.
#pragma once

#include "choose.h"

SEC("xdp")
int fairlead_xdp(struct xdp_md* ctx) { return ctx->data ? XDP_PASS : XDP_DROP; }
