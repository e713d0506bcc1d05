// Answers ARP requests (RFC 826) and neighbour solicitations (RFC 4861) for the addresses that the
// agent has put into `holders`, whether the agent runs or not. An object of its own: it needs no
// BTF of the kernel's, and serves beside every datapath.
//
//   who has A? ──▶ holders[interface, A] ──▶ the question becomes the answer, out by the same link
//   somebody announces A ──▶ ceded: silent until the agent takes A again
//
// A question that names no sender (an ARP probe, duplicate address detection) is answered to all,
// so that the answer is an announcement: of two holders, the one that asks cedes.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include "layer2.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int fairlead_layer2(struct __sk_buff* ctx) {
  // A tag that is kept beside the packet: it is for the VLAN's own link.
  if (ctx->vlan_present) return TC_ACT_UNSPEC;
  if (ctx->protocol == bpf_htons(ETH_P_ARP)) return hear_arp(ctx);
  if (ctx->protocol == bpf_htons(ETH_P_IPV6)) return hear_neighbour(ctx);
  return TC_ACT_UNSPEC;
}
