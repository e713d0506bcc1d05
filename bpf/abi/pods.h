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
