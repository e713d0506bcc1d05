// The answer to an ARP request or neighbour solicitation, and the ear for others' announcements.
#pragma once

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "abi/layer2.h"

#define ARP_ETHERNET 1
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define NEIGHBOUR_SOLICITATION 135
#define NEIGHBOUR_ADVERTISEMENT 136
#define SOLICITED 0x40000000U
#define OVERRIDE 0x20000000U
#define TARGET_LINK_ADDRESS 2

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct fl_layer2_key);
  __type(value, struct fl_layer2_holder);
} holders SEC(".maps");

struct arp_frame {
  struct ethhdr ethernet;
  __be16 hardware, protocol;
  __u8 hardware_bytes, protocol_bytes;
  __be16 operation;
  __u8 sender_mac[ETH_ALEN], sender[4];
  __u8 target_mac[ETH_ALEN], target[4];
} __attribute__((packed));

struct neighbour_head {
  struct ethhdr ethernet;
  struct ipv6hdr ip;
} __attribute__((packed));

/// The ICMPv6 message with the one option that is sent.
struct neighbour_body {
  __u8 type, code;
  __sum16 checksum;
  __be32 flags;
  struct fl_address target;
  __u8 option, option_words; /* 8 bytes each */
  __u8 link_address[ETH_ALEN];
};

/// Pseudo-header of the checksum: RFC 8200 8.1.
struct pseudo_header {
  struct in6_addr source, destination;
  __be32 length, next_header;
};

static __always_inline bool is_same(const void* a, const void* b, const int bytes) {
  for (int i = 0; i < bytes; ++i)
    if (((const __u8*)a)[i] != ((const __u8*)b)[i]) return false;
  return true;
}

static __always_inline bool is_zero(const void* a, const int bytes) {
  for (int i = 0; i < bytes; ++i)
    if (((const __u8*)a)[i]) return false;
  return true;
}

static __always_inline struct fl_layer2_holder* find_holder(const struct __sk_buff* ctx,
                                                            const struct fl_address* address) {
  const struct fl_layer2_key key = {.interface = ctx->ifindex, .address = *address};
  return bpf_map_lookup_elem(&holders, &key);
}

/// Somebody says that the address is its own.
static __always_inline int cede(struct fl_layer2_holder* holder, const __u8* mac) {
  __builtin_memcpy(holder->claimed_by, mac, ETH_ALEN);
  holder->ceded = 1;
  return TC_ACT_UNSPEC;
}

static __always_inline int answer_arp(struct __sk_buff* ctx, struct arp_frame* frame,
                                      const struct fl_layer2_holder* holder) {
  const bool is_probe = is_zero(frame->sender, 4);
  __u8 address[4];
  __builtin_memcpy(address, frame->target, 4);
  __builtin_memcpy(frame->target, is_probe ? address : frame->sender, 4);
  __builtin_memcpy(frame->sender, address, 4);
  __builtin_memcpy(frame->target_mac, frame->sender_mac, ETH_ALEN);
  __builtin_memcpy(frame->sender_mac, holder->mac, ETH_ALEN);
  frame->operation = bpf_htons(ARP_REPLY);
  if (is_probe)
    __builtin_memset(frame->ethernet.h_dest, 0xff, ETH_ALEN);
  else
    __builtin_memcpy(frame->ethernet.h_dest, frame->ethernet.h_source, ETH_ALEN);
  __builtin_memcpy(frame->ethernet.h_source, holder->mac, ETH_ALEN);
  if (bpf_skb_store_bytes(ctx, 0, frame, sizeof(*frame), 0)) return TC_ACT_UNSPEC;
  return bpf_redirect(ctx->ifindex, 0);
}

static __always_inline int hear_arp(struct __sk_buff* ctx) {
  struct arp_frame frame;
  if (bpf_skb_load_bytes(ctx, 0, &frame, sizeof(frame))) return TC_ACT_UNSPEC;
  if (frame.hardware != bpf_htons(ARP_ETHERNET) || frame.protocol != bpf_htons(ETH_P_IP) ||
      frame.hardware_bytes != ETH_ALEN || frame.protocol_bytes != 4)
    return TC_ACT_UNSPEC;
  struct fl_address address = {.word[2] = bpf_htonl(FL_MAPPED_PREFIX)};
  __builtin_memcpy(&address.word[3], frame.target, 4);
  struct fl_layer2_holder* holder = find_holder(ctx, &address);
  if (!holder || is_same(frame.sender_mac, holder->mac, ETH_ALEN)) return TC_ACT_UNSPEC;
  if (is_same(frame.sender, frame.target, 4)) return cede(holder, frame.sender_mac);
  if (holder->ceded || frame.operation != bpf_htons(ARP_REQUEST)) return TC_ACT_UNSPEC;
  return answer_arp(ctx, &frame, holder);
}

static __always_inline __sum16 checksum_of(const struct neighbour_head* head,
                                           struct neighbour_body* body) {
  struct pseudo_header pseudo = {.source = head->ip.saddr,
                                 .destination = head->ip.daddr,
                                 .length = bpf_htonl(sizeof(*body)),
                                 .next_header = bpf_htonl(IPPROTO_ICMPV6)};
  body->checksum = 0;
  __s64 sum = bpf_csum_diff(NULL, 0, (__be32*)&pseudo, sizeof(pseudo), 0);
  sum = bpf_csum_diff(NULL, 0, (__be32*)body, sizeof(*body), (__u32)sum);
  __u32 folded = (__u32)sum;
  folded = (folded & 0xffff) + (folded >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  return (__sum16)~folded;
}

/// Towards whoever asks; duplicate address detection has no address yet, so all nodes hear it.
static __always_inline void turn_round(struct neighbour_head* head, const struct fl_address* target,
                                       bool to_all) {
  const struct in6_addr all_nodes = {
      .in6_u.u6_addr32 = {bpf_htonl(0xff020000), 0, 0, bpf_htonl(1)}};
  const __u8 all_nodes_mac[ETH_ALEN] = {0x33, 0x33, 0, 0, 0, 1};
  if (to_all) {
    head->ip.daddr = all_nodes;
    __builtin_memcpy(head->ethernet.h_dest, all_nodes_mac, ETH_ALEN);
  } else {
    head->ip.daddr = head->ip.saddr;
    __builtin_memcpy(head->ethernet.h_dest, head->ethernet.h_source, ETH_ALEN);
  }
  __builtin_memcpy(&head->ip.saddr, target, sizeof(*target));
  head->ip.payload_len = bpf_htons(sizeof(struct neighbour_body));
  head->ip.hop_limit = 255;
}

static __always_inline int answer_solicitation(struct __sk_buff* ctx, struct neighbour_head* head,
                                               struct neighbour_body* body,
                                               const struct fl_layer2_holder* holder) {
  const bool to_all = is_zero(&head->ip.saddr, sizeof(head->ip.saddr));
  turn_round(head, &body->target, to_all);
  __builtin_memcpy(head->ethernet.h_source, holder->mac, ETH_ALEN);
  body->type = NEIGHBOUR_ADVERTISEMENT;
  body->flags = bpf_htonl(to_all ? OVERRIDE : OVERRIDE | SOLICITED);
  body->option = TARGET_LINK_ADDRESS;
  body->option_words = 1;
  __builtin_memcpy(body->link_address, holder->mac, ETH_ALEN);
  body->checksum = checksum_of(head, body);
  if (bpf_skb_change_tail(ctx, sizeof(*head) + sizeof(*body), 0) ||
      bpf_skb_store_bytes(ctx, 0, head, sizeof(*head), 0) ||
      bpf_skb_store_bytes(ctx, sizeof(*head), body, sizeof(*body), 0))
    return TC_ACT_UNSPEC;
  return bpf_redirect(ctx->ifindex, 0);
}

static __always_inline int hear_neighbour(struct __sk_buff* ctx) {
  struct neighbour_head head;
  struct neighbour_body body = {};
  const __u32 without_option = sizeof(body) - 8;
  if (bpf_skb_load_bytes(ctx, 0, &head, sizeof(head))) return TC_ACT_UNSPEC;
  // A hop limit below 255 was sent from beyond the link: RFC 4861 7.1.
  if (head.ip.nexthdr != IPPROTO_ICMPV6 || head.ip.hop_limit != 255) return TC_ACT_UNSPEC;
  if (bpf_skb_load_bytes(ctx, sizeof(head), &body, without_option)) return TC_ACT_UNSPEC;
  const bool asks = body.type == NEIGHBOUR_SOLICITATION;
  if ((!asks && body.type != NEIGHBOUR_ADVERTISEMENT) || body.code) return TC_ACT_UNSPEC;
  struct fl_layer2_holder* holder = find_holder(ctx, &body.target);
  if (!holder || is_same(head.ethernet.h_source, holder->mac, ETH_ALEN)) return TC_ACT_UNSPEC;
  if (asks) return holder->ceded ? TC_ACT_UNSPEC : answer_solicitation(ctx, &head, &body, holder);
  const __u32 flags = bpf_ntohl(body.flags);
  return (flags & OVERRIDE) && !(flags & SOLICITED) ? cede(holder, head.ethernet.h_source)
                                                    : TC_ACT_UNSPEC;
}
