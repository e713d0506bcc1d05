// Entry points of the cgroup hooks: see sockets.h.
#pragma once

#include "choose.h"

SEC("cgroup/connect4")
int fairlead_connect4(struct bpf_sock_addr* ctx) {
  struct fl_config* node = node_config();
  if (!node) return 1;
  struct fl_address a = address_of_v4(ctx->user_ip4);
  fl_frontend_word word = 0;
  if (find_destination(node, &a, ctx->user_port, ctx->protocol, false, &word) != FOUND) return 1;
  struct chooser how = {};
  struct choice choice = {};
  if (!choose_backend(block_of(word), verdict_of(word, FL_SCOPE_HOST), &how, &choice)) return 0;
  ctx->user_ip4 = choice.address.word[3];
  ctx->user_port = choice.port;
  return 1;
}
