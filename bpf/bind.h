// bind() of the host's own sockets: a NodePort is not free, as if a socket of ours had it.
//
// A socket on :: may be for IPv6 only, which this hook cannot see: it is refused also where the
// port is a NodePort of IPv4 alone, because most such sockets take IPv4, too.
#pragma once

#include "sockets.h"

static __always_inline bool has_node_port(__u32 family_word, __be16 port, __u8 protocol) {
  const struct fl_frontend_key key = {
      .address = {{0, 0, family_word, 0}}, .port = port, .protocol = protocol};
  return look_up_word(&key) != 0;
}

/// Whether NodePorts are open at the address: it is one of the node's that the agent has listed.
static __always_inline bool takes_node_ports(const struct fl_address* address) {
  const struct fl_frontend_key key = {.address = *address};
  return is_interesting(address) && look_up_word(&key) & FL_ADDRESS_NODE;
}

static __always_inline bool is_taken(const struct fl_address* address, __be16 port, __u8 protocol) {
  const __u32 v4 = bpf_htonl(FL_MAPPED_PREFIX), v6 = 0;
  if (!is_node_port(port, protocol)) return false;
  const bool no_prefix = address->word[0] == 0 && address->word[1] == 0;
  const bool is_v4 = no_prefix && address->word[2] == v4;
  if (no_prefix && address->word[3] == 0 && (is_v4 || address->word[2] == 0))
    return has_node_port(v4, port, protocol) || (!is_v4 && has_node_port(v6, port, protocol));
  return has_node_port(is_v4 ? v4 : v6, port, protocol) && takes_node_ports(address);
}

static __always_inline int bind_call(struct bpf_sock* ctx, const struct fl_address* address) {
  const struct fl_config* node = node_config();
  if (!node || node->mode == FL_MODE_DRAINING) return FL_PROCEED;
  if (ctx->protocol != IPPROTO_TCP && ctx->protocol != IPPROTO_UDP) return FL_PROCEED;
  if (!is_taken(address, bpf_htons(ctx->src_port), ctx->protocol)) return FL_PROCEED;
  if (bpf_get_netns_cookie(ctx) != node->host_netns_cookie) return FL_PROCEED;
  return fail(EADDRINUSE);
}
