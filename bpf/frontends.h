// destination -> frontend's word: what sockets and packets ask alike.
//
//   filter says no                 -> in a Service range? unallocated : not ours
//   address . port . protocol      -> found; not asked of an address that no frontend has
//   an address with NodePorts      -> the NodePort, found; else the node's own business
//   a ClusterIP without this port  -> refused
#pragma once

#include "address.h"
#include "maps.h"

enum destination { NOT_OURS, FOUND, REFUSED, UNALLOCATED };

/// 0: no such element.
static __always_inline fl_frontend_word look_up_word(const struct fl_frontend_key* key) {
  const __u16 tag = fl_frontend_tag(key);
  // Once more, if the element was given to another key between finding and reading it.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const volatile fl_frontend_word* found = bpf_map_lookup_elem(&frontends, key);
    if (!found) return 0;
    const fl_frontend_word word = *found;
    if ((__u16)(word >> FL_WORD_TAG_SHIFT) == tag) return word;
  }
  return 0;
}

static __always_inline bool is_interesting(const struct fl_address* address) {
  const __u32 hash = fl_address_hash(address);
  __u32 index = (hash >> 6) & (constants.filter_words - 1);
  const __u64* word = bpf_map_lookup_elem(&address_filter, &index);
  return word && (*word >> (hash & 63) & 1);
}

static __always_inline bool in_prefix(const struct fl_address* address,
                                      const struct fl_prefix* prefix, const bool ipv6) {
  // Host bits of the prefix are zero, and an IPv4 prefix does not match an IPv6 address: their
  // word[2] differ.
  if ((address->word[3] & prefix->mask.word[3]) != prefix->address.word[3]) return false;
  if ((address->word[2] & prefix->mask.word[2]) != prefix->address.word[2]) return false;
  return !ipv6 || ((address->word[0] & prefix->mask.word[0]) == prefix->address.word[0] &&
                   (address->word[1] & prefix->mask.word[1]) == prefix->address.word[1]);
}

static __always_inline bool in_prefixes(const struct fl_address* address,
                                        const struct fl_prefix* prefixes, __u32 count,
                                        const bool ipv6) {
  for (__u32 i = 0; i < FL_PREFIXES; ++i) {
    if (i >= count) return false;
    if (in_prefix(address, &prefixes[i], ipv6)) return true;
  }
  return false;
}

/// A function of its own, and not inlined, for the verifier: else it walks all that comes after
/// once for each prefix.
FL_GLOBAL int in_service_prefixes(const struct fl_config* node, const struct fl_address* address) {
  if (!node || !address) return false;
  return in_prefixes(address, node->service, node->service_prefix_count, true);
}

static __always_inline bool in_service_range(const struct fl_config* node,
                                             const struct fl_address* address) {
  // A copy: what the caller's address is a part of would have to be in memory, constants and all.
  const struct fl_address copy = *address;
  return in_service_prefixes(node, &copy);
}

static __always_inline __u8 node_port_bit(__u8 protocol) {
  return protocol == IPPROTO_TCP   ? FL_NODE_PORT_TCP
         : protocol == IPPROTO_UDP ? FL_NODE_PORT_UDP
                                   : FL_NODE_PORT_SCTP;
}

static __always_inline bool is_node_port(__be16 port, __u8 protocol) {
  __u32 index = bpf_ntohs(port);
  const __u8* bits = bpf_map_lookup_elem(&node_ports, &index);
  return bits && (*bits & node_port_bit(protocol));
}

/// `word` is set when the result is FOUND.
static __always_inline enum destination find_destination(const struct fl_config* node,
                                                         const struct fl_address* address,
                                                         __be16 port, __u8 protocol,
                                                         const bool ipv6, fl_frontend_word* word) {
  if (!is_interesting(address)) return in_service_range(node, address) ? UNALLOCATED : NOT_OURS;
  struct fl_frontend_key key = {.address = *address, .port = port, .protocol = protocol};
  const struct fl_frontend_key address_key = {.address = *address};
  const bool may_be_node_port = is_node_port(port, protocol);
  fl_frontend_word known = may_be_node_port ? look_up_word(&address_key) : 0;
  if (!(known & FL_ADDRESS_BARE)) {
    *word = look_up_word(&key);
    if (*word) return FOUND;
  }
  if (!may_be_node_port) known = look_up_word(&address_key);
  if (known & FL_ADDRESS_NODE && may_be_node_port) {
    __builtin_memset(&key.address, 0, sizeof(key.address));
    if (!ipv6) key.address.word[2] = bpf_htonl(FL_MAPPED_PREFIX);
    *word = look_up_word(&key);
    if (*word) return FOUND;
  }
  if (known & FL_ADDRESS_NODE) return NOT_OURS;
  if (known & FL_ADDRESS_CLUSTER_IP) return REFUSED;
  return in_service_range(node, address) ? UNALLOCATED : NOT_OURS;
}

static __always_inline __u32 block_of(fl_frontend_word word) { return word >> FL_WORD_BLOCK_SHIFT; }

static __always_inline struct fl_header* header_of(__u32 block) {
  return bpf_map_lookup_elem(&records, &block);
}

static __always_inline const struct fl_group* group_of(__u32 block, __u8 verdict) {
  ++block;
  const struct fl_groups* groups = bpf_map_lookup_elem(&records, &block);
  if (!groups) return NULL;
  return verdict & FL_VERDICT_LOCAL ? &groups->group[1] : &groups->group[0];
}

static __always_inline __u8 verdict_of(fl_frontend_word word, enum fl_scope scope) {
  return word >> (4 * scope) & 15;
}
