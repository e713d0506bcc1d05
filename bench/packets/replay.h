// What replay.cpp and replay.bpf.c share.
#pragma once

#include <linux/types.h>

#define REPLAY_VARIANTS 65536 /* a power of two */
#define REPLAY_IPV4_BYTES 54  /* Ethernet, IPv4, TCP */
#define REPLAY_IPV6_BYTES 74
#define REPLAY_FAILED_TC 99

/// Map `replay`, ARRAY of one: the frame, and which variants of it are sent in turn: index & mask.
struct replay {
  __u32 next, mask;
  __u32 length;  // REPLAY_IPV4_BYTES or REPLAY_IPV6_BYTES
  __u8 bytes[84];
};

/// Map `variants`, ARRAY, mapped. Network byte order; of IPv6 addresses the last word.
struct variant {
  __be32 source, destination;
  __be16 source_port, destination_port;
  __u32 pad;
};

/// Map `strawman_flows`: network byte order.
struct strawman_key {
  __be32 source, destination;
  __be16 source_port, destination_port;
  __u32 protocol;
};
struct strawman_value {
  __be32 new_source, new_destination;
  __be16 new_source_port, new_destination_port;
  __u32 stamp;
};
/// Map `strawman_services`: the first of ten backends, whose addresses follow each other.
struct strawman_service {
  __be32 address;
  __be16 port;
  __u16 protocol;
};
