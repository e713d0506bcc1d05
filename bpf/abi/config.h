// What holds for the node. Map `config`, one element, written by the agent in place; each field is
// read once a packet.
#pragma once

#include "types.h"

enum fl_mode {
  FL_MODE_ACTIVE = 0,
  /// Only flows that are in the tables, and sockets that were translated, go on; new ones are left
  /// to whoever comes after.
  FL_MODE_DRAINING = 1,
};

#define FL_PREFIXES 16

/// Bits of `address` under `mask`, both network byte order; an IPv4 prefix has a mask of 96 + its
/// length.
struct fl_prefix {
  struct fl_address address;
  struct fl_address mask;
};
FL_LAYOUT(struct fl_prefix, 32);

/// How long a flow is kept without a packet, in ticks. Nothing is deleted at that time: its place
/// may be taken.
struct fl_timeouts {
  __u32 tcp_new;  // no reply yet
  __u32 tcp_established;
  __u32 tcp_closing;  // one side has finished
  __u32 closed;       // both have, or a reset was seen
  __u32 udp_new;
  __u32 udp_established;  // answered
};
FL_LAYOUT(struct fl_timeouts, 24);

/// What every layout has, so that an agent of another version can let a generation go (map names
/// are the pins' in its directory; element sizes are the map's own):
///   config             ARRAY, mappable: begins with these 16 bytes
///   streams            ARRAY, mappable: the first __u64 of each element is not 0 while a socket
///                      has it
///   sockets,
///   datagram_sockets   SK_STORAGE: who has one is still translated
/// It sets `mode`, and takes the generation away when there is neither a stream nor a socket, and
/// when no flow was used for `longest_timeout`.
struct fl_config_head {
  __u32 mode;             // enum fl_mode
  __u32 last_use;         // ticks: last time that a packet began a flow or renewed its stamp
  __u32 longest_timeout;  // ticks: of struct fl_timeouts; never 0
  __u32 own;              // each layout's own
};
FL_LAYOUT(struct fl_config_head, 16);
#define FL_ABI_FIRST 2 /* the first layout of which all this is true */

struct fl_config {
  __u32 mode, last_use, longest_timeout;  // as in struct fl_config_head
  /// Set by programs for good with the first flow to a backend that is the node itself: until then
  /// nothing that leaves the host's stack is ours, and tc egress asks no table.
  __u32 has_host_flows;
  /// Ticks: before then a route follows from the destination, the interface that a packet came by,
  /// and the family alone (bpf/known_routes.h). 0: it does not. Renewed by a thread of the agent's.
  __u32 plain_routes_until;
  // What each packet needs lies in one cache line with them.
  struct fl_timeouts timeouts;
  __u16 internal_prefix_count;
  __u16 pods_epoch;  // counts changes of `pods` and `pod_networks`; 0: the stack has all pods
  __u64 host_netns_cookie;
  __u32 service_prefix_count;
  __u8 neighbour_conntrack;  // ask Linux conntrack whose a flow is that we do not know
  __u8 forward_by_stack;     // never redirect: translated packets go through the host's stack
  __u8 round_robin;          // default algorithm of new flows without affinity
  __u8 foreign_sockets;      // `foreign_flows` is not empty
  __u16 snat_port_first, snat_port_last;  // host byte order, inclusive
  __u32 drop_events_a_second;             // to the ring buffer, of each CPU
  // What need not be asked of map `interfaces`, for each new flow; 0: all of it.
  __u16 node_interface;          // a link whose address is `node_address`, in all families that ...
  __u8 node_interface_families;  // ... have their bit here: 1 IPv4, 2 IPv6
  __u8 no_internal_interfaces;   // none is FL_INTERFACE_INTERNAL
  __u32 pad;
  struct fl_address node_address[2];  // IPv4, IPv6: SNAT where an interface has none; zero: none
  struct fl_prefix internal[FL_PREFIXES];  // whose packets are those of local pods
  struct fl_prefix
      service[FL_PREFIXES];  // packets to an address in them that no Service has are dropped
};
FL_LAYOUT(struct fl_config, 1136);

/// Coarse monotonic time in units of 2^30 ns (1.07 s). 32 bits last 146 years.
#define FL_TICK_SHIFT 30

/// What is known before a program is loaded: its code is cut to it. Section .rodata.
struct fl_constants {
  __u32 flow4_buckets;  // power of two
  __u32 flow6_buckets;  // power of two
  __u32 record_count;   // elements of `records`
  __u32 filter_words;   // elements of `address_filter`; power of two
  __u8 has_set_retval;  // bpf_set_retval in hooks of sockets, Linux 6.1
  __u8 has_ct_lookup;   // bpf_skb_ct_lookup and bpf_xdp_ct_lookup, Linux 5.18
  __u8 pad[2];
  __u32 jiffy_ns;     // how long one lasts; 0: not known, and the clock is asked instead
  __u32 first_jiffy;  // jiffies when the monotonic clock was 0
  __u8 pad2[4];
};
FL_LAYOUT(struct fl_constants, 32);

/// Map `interfaces`, HASH, by ifindex (__u32).
enum fl_interface_flags {
  FL_INTERFACE_INTERNAL = 1 << 0,  // detect-local by interface: what comes in here is a local pod's
  FL_INTERFACE_PEER = 1 << 1,      // a veth whose other end is a pod: bpf_redirect_peer
  FL_INTERFACE_NO_MAC = 1 << 2,    // frames begin with the IP header
};
struct fl_interface {
  struct fl_address address[2];  // IPv4, IPv6: source of what is masqueraded out of it; zero: none
  __u32 flags;
  __u32 pad;
};
FL_LAYOUT(struct fl_interface, 40);
