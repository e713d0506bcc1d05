// Frontends and their backends.
//
//   address_filter   bit hash(address) -> may be of interest at all; else nothing more is looked up
//   frontends        address . port . protocol -> one 64-bit word: which block, what each scope
//   gets records[block]   header, groups, then the backends of both groups, then the Maglev table
//   of each
//
// A block is written whole at a free place and published by one update of the frontend's word,
// which is atomic; it never changes after that (but `next`). A block that no frontend names is
// reused only after an RCU grace period.
#pragma once

#include "types.h"

/// Map `frontends`, HASH. Three kinds of key:
///   address, port, protocol       a frontend; NodePort: the unspecified address of the family (::
///   or ::ffff:0.0.0.0) address, 0, 0                 what is known of the address: enum
///   fl_address_bits
struct fl_frontend_key {
  struct fl_address address;
  __be16 port;
  __u8 protocol;
  __u8 pad;
};
FL_LAYOUT(struct fl_frontend_key, 20);

/// The word of a frontend:
///   63..32  index of the block's header in `records`
///   31..16  fl_frontend_tag(key): an element that the kernel gave to another key while it was read
///   is noticed 15..13  enum fl_frontend_bits 11..0   verdict of each scope, 4 bits each: internal
///   lowest, then host, then external
typedef __u64 fl_frontend_word;

#define FL_WORD_BLOCK_SHIFT 32
#define FL_WORD_TAG_SHIFT 16
enum fl_frontend_bits {
  FL_FRONTEND_RANGES = 1 << 13,  // source_ranges says whose packets are let in
  FL_FRONTEND_EXTERNAL =
      1 << 14,  // may be reached from outside: Maglev where the group has a table
};
enum fl_scope { FL_SCOPE_INTERNAL = 0, FL_SCOPE_HOST = 1, FL_SCOPE_EXTERNAL = 2 };
enum fl_verdict {
  FL_VERDICT_ACTION = 3,  // mask: enum fl_action
  FL_VERDICT_LOCAL = 4,   // the group of local backends
  FL_VERDICT_MASQUERADE = 8,
};
enum fl_action { FL_ACTION_FORWARD = 0, FL_ACTION_REJECT = 1, FL_ACTION_DROP = 2 };

/// The low bits of the word of an address's own entry (port 0, protocol 0); its block is 0.
enum fl_address_bits {
  FL_ADDRESS_CLUSTER_IP = 1,  // a port that no frontend has is refused
  FL_ADDRESS_NODE = 2,        // NodePorts are open here; all other ports are the node's own
  FL_ADDRESS_BARE = 4,        // beside FL_ADDRESS_NODE: it is no frontend's own address
};

enum fl_algorithm {
  FL_ALGORITHM_RANDOM = 0,
  FL_ALGORITHM_ROUND_ROBIN = 1,
  FL_ALGORITHM_MAGLEV = 2
};

/// One group of backends in a block. Indices count records from the block's header.
struct fl_group {
  __u32 first;  // of `count` struct fl_backend
  __u32 count;
  __u32 maglev_first;  // of the table: __u16 in records, FL_MAGLEV_PER_RECORD each; its entries
                       // index the group
  __u32 maglev_size;   // a prime; 0: no table
};
FL_LAYOUT(struct fl_group, 16);

enum fl_block_bits {
  FL_BLOCK_WEIGHTED =
      1,  // backends have different weights: random choices are drawn from the Maglev table
};

/// Map `records`, ARRAY, mapped into the agent's memory. Record 0 is never used. A block is a
/// header, the groups, the backends, the tables; an element is one of the following, all of
/// FL_RECORD_BYTES.
struct fl_header {
  __u64 service;           // identity of the Service port and family: a hash of its name; never 0
  __u32 affinity_seconds;  // 0: none
  __u32 next;              // round robin: counts choices
  __u32 records;           // how many the block has, this one included
  __u8 algorithm;          // enum fl_algorithm
  __u8 protocol;
  __u8 bits;    // enum fl_block_bits
  __u8 family;  // 4 or 6
  __u64 pad;
};
FL_LAYOUT(struct fl_header, 32);

struct fl_groups {
  struct fl_group group[2];  // cluster, local: enum BackendGroup
};
FL_LAYOUT(struct fl_groups, 32);

struct fl_backend {
  struct fl_address address;
  __be16 port;
  __u16 weight;
  __u32 bits;  // enum fl_backend_bits
  __u64 pad;
};
FL_LAYOUT(struct fl_backend, 32);
enum fl_backend_bits {
  FL_BACKEND_LOCAL = 1,  // on this node
};

#define FL_RECORD_BYTES 32
#define FL_HEADER_RECORDS 2 /* header and groups */
#define FL_MAGLEV_PER_RECORD 16
struct fl_record {
  __u64 word[4];
};
FL_LAYOUT(struct fl_record, FL_RECORD_BYTES);

/// Map `members`, HASH, value __u8 1: who may still be remembered, of Services with affinity.
struct fl_member_key {
  __u64 service;
  struct fl_address address;
  __be16 port;
  __u8 group;  // enum BackendGroup
  __u8 pad[5];
};
FL_LAYOUT(struct fl_member_key, 32);

/// Map `affinity`, LRU_HASH.
struct fl_affinity_key {
  __u64 service;
  struct fl_address
      client;  // a socket's: the cookie of its network namespace in word[0..1], else zero
};
FL_LAYOUT(struct fl_affinity_key, 24);
struct fl_affinity {
  struct fl_address address;
  __be16 port;
  __u16 pad;
  __u32 stamp;  // ticks
};
FL_LAYOUT(struct fl_affinity, 24);

/// Map `source_ranges`, LPM_TRIE, value __u8 1.
struct fl_range_key {
  __u32 prefix_length;  // 64 + that of the address, IPv4: + 96
  __u32 service[2];     // the two halves of fl_header.service as they lie in memory
  struct fl_address address;
};
FL_LAYOUT(struct fl_range_key, 28);
#define FL_RANGE_PREFIX 64

/// Map `node_ports`, ARRAY of __u8 by port (host byte order): bit 0 TCP, bit 1 UDP, bit 2 SCTP is a
/// NodePort.
enum fl_node_port_bits { FL_NODE_PORT_TCP = 1, FL_NODE_PORT_UDP = 2, FL_NODE_PORT_SCTP = 4 };

/// Mixes 32 bits (the finaliser of MurmurHash3): for the filter, the tag and the flow tables alike.
FL_INLINE __u32 fl_mix(__u32 hash) {
  hash ^= hash >> 16;
  hash *= 0x85ebca6bU;
  hash ^= hash >> 13;
  hash *= 0xc2b2ae35U;
  return hash ^ (hash >> 16);
}

/// Bit of `address_filter`, an ARRAY of __u64: word (hash >> 6) & (words - 1), bit hash & 63.
FL_INLINE __u32 fl_address_hash(const struct fl_address* address) {
  return fl_mix((__u32)address->word[3] ^
                fl_mix((__u32)address->word[0] ^ (__u32)address->word[1] * 0x9e3779b1U ^
                       (__u32)address->word[2] * 0x7feb352dU));
}

FL_INLINE __u16 fl_frontend_tag(const struct fl_frontend_key* key) {
  return (__u16)fl_mix(fl_address_hash(&key->address) ^ ((__u32)key->port << 8) ^ key->protocol);
}
