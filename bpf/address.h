// Addresses of both families in one form. `ipv6` is a constant at every call: what the other family
// needs is compiled away.
#pragma once

#include <bpf/bpf_endian.h>
#include <stdbool.h>

#include "abi/types.h"

static __always_inline struct fl_address address_of_v4(__be32 v4) {
  struct fl_address address = {{0, 0, bpf_htonl(FL_MAPPED_PREFIX), v4}};
  return address;
}

static __always_inline bool same_address(const struct fl_address* a, const struct fl_address* b,
                                         const bool ipv6) {
  if (a->word[3] != b->word[3]) return false;
  return !ipv6 ||
         (a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2]);
}

static __always_inline bool is_unspecified(const struct fl_address* a, const bool ipv6) {
  return a->word[3] == 0 && (!ipv6 || (a->word[0] == 0 && a->word[1] == 0 && a->word[2] == 0));
}
