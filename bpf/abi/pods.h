// Pods of the cluster, for packets between them: written by the agent.
#pragma once

#include "types.h"

/// Map `pods`, HASH, by address (struct fl_address): those of this node.
enum fl_pod_flags {
  FL_POD_SHAPED = 1 << 0,  // qdiscs and filters of its link count what it sends and gets
};
struct fl_pod {
  __u32 interface;  // index of the node's end of its link
  __u32 flags;      // enum fl_pod_flags
};
FL_LAYOUT(struct fl_pod, 8);

/// Map `pod_networks`, LPM_TRIE: where addresses of pods are, of this node and of others.
struct fl_pod_network {
  __u32 prefix_length;  // IPv4: 96 + its length
  struct fl_address address;
};
FL_LAYOUT(struct fl_pod_network, 20);

/// Map `tunnel`, one element: the VXLAN device that leads to other nodes, over IPv4; all zero:
/// there is none whose work could be done for it.
struct fl_tunnel {
  __u32 interface;  // index of the device
  __u32 underlay;   // index of the link below it: VXLAN that came by another is not looked into
  __be32 local;     // this node's address there
  __be32 vni;       // as the header has it, in the upper 24 bits
  __be16 port;
  __u8 mac[6];  // the device's own
};
FL_LAYOUT(struct fl_tunnel, 24);

/// Map `tunnel_nodes`, HASH: the other nodes' VXLAN devices -> the node's address (__be32).
struct fl_tunnel_node {
  __u8 mac[6];
  __u16 pad;
};
FL_LAYOUT(struct fl_tunnel_node, 8);
