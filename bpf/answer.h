// What is answered to packets that go nowhere: headers with their checksums, and how much of the
// packet an ICMP error quotes. Reads the packet, and writes none.
#pragma once

#include "checksum.h"
#include "packet.h"

/// Of the packet, in an ICMP error. IPv4: 576 octets in all (RFC 1812 4.3.2.3). IPv6: 1280, the
/// least MTU.
#define FL_QUOTE4 (576 - 20 - FL_ICMP_BYTES)
#define FL_QUOTE6 (1280 - 40 - FL_ICMP_BYTES)

/// What is answered, in plain numbers: pointers into the packet are void in another function.
struct question {
  struct tuple tuple;  // as the packet came
  __u32 header;        // of IP, with options or extension headers
  __u32 length;        // of the IP packet
  __u32 mtu;           // not 0: too big
  __u32 quote;         // bytes of it in the ICMP error; set while answering
  __u8 protocol;
  __u8 ipv6, egress;
};

/// Adds `bytes` of memory, a constant multiple of 4, aligned to 4.
static __always_inline __u64 add_words(__u64 sum, const void* words, const __u32 bytes) {
  const __u32* word = words;
  for (__u32 i = 0; i < bytes / 4; ++i) sum += word[i];
  return sum;
}

/// Of both families; <linux/icmp.h> needs more of libc than there is for this target.
struct icmp_error {
  __u8 type, code;
  __u16 checksum;
  __be32 mtu;  // IPv4: of 16 bits
};
enum {
  ICMP4_UNREACHABLE = 3,  // RFC 792
  ICMP4_PORT = 3,
  ICMP4_FRAGMENTATION_NEEDED = 4,
  ICMP6_UNREACHABLE = 1,  // RFC 4443
  ICMP6_PORT = 4,
  ICMP6_TOO_BIG = 2,
};

/// Everything but the layer below IP.
union answer_headers {
  struct {
    struct iphdr ip;
    union {
      struct tcphdr tcp;
      struct icmp_error icmp;
    };
  } v4;
  struct {
    struct ipv6hdr ip;
    union {
      struct tcphdr tcp;
      struct icmp_error icmp;
    };
  } v6;
};

static __always_inline __u64 pseudo_sum(const struct tuple* t, const bool ipv6, __u8 protocol,
                                        __u32 length) {
  const __u32 skip = ipv6 ? 0 : 3;
  __u64 sum = bpf_htons(protocol) + (__u64)bpf_htonl(length);
  for (__u32 i = skip; i < 4; ++i) sum += (__u64)t->source.word[i] + t->destination.word[i];
  return sum;
}

/// From the asked address to who asked. `payload` counts all bytes after the IP header.
static __always_inline void write_ip(union answer_headers* h, const struct question* q,
                                     const bool ipv6, __u8 protocol, __u32 payload) {
  if (ipv6) {
    h->v6.ip.version = 6;
    h->v6.ip.payload_len = bpf_htons(payload);
    h->v6.ip.nexthdr = protocol;
    h->v6.ip.hop_limit = 64;
    __builtin_memcpy(&h->v6.ip.saddr, &q->tuple.destination, sizeof(h->v6.ip.saddr));
    __builtin_memcpy(&h->v6.ip.daddr, &q->tuple.source, sizeof(h->v6.ip.daddr));
    return;
  }
  h->v4.ip.version = 4;
  h->v4.ip.ihl = 5;
  h->v4.ip.tot_len = bpf_htons(sizeof(h->v4.ip) + payload);
  h->v4.ip.frag_off = bpf_htons(0x4000);
  h->v4.ip.ttl = 64;
  h->v4.ip.protocol = protocol;
  h->v4.ip.saddr = q->tuple.destination.word[3];
  h->v4.ip.daddr = q->tuple.source.word[3];
  h->v4.ip.check = ~fold16(add_words(0, &h->v4.ip, sizeof(h->v4.ip)));
}

/// `original`: the header of the packet that is refused. False: it contradicts itself.
/// `partial`: the device adds the sum of all but the pseudo header.
static __always_inline bool write_reset(union answer_headers* h, const struct question* q,
                                        const bool ipv6, const struct tcphdr* original,
                                        bool partial) {
  struct tcphdr* tcp = ipv6 ? &h->v6.tcp : &h->v4.tcp;
  const __u32 headers = q->header + original->doff * 4U;
  if (original->doff < 5 || headers > q->length) return false;
  tcp->source = original->dest;
  tcp->dest = original->source;
  tcp->doff = 5;
  tcp->rst = 1;
  if (original->ack) {
    tcp->seq = original->ack_seq;
  } else {
    tcp->ack = 1;
    tcp->ack_seq =
        bpf_htonl(bpf_ntohl(original->seq) + (q->length - headers) + original->syn + original->fin);
  }
  write_ip(h, q, ipv6, IPPROTO_TCP, sizeof(*tcp));
  const __u64 pseudo = pseudo_sum(&q->tuple, ipv6, IPPROTO_TCP, sizeof(*tcp));
  tcp->check = partial ? fold16(pseudo) : (__u16)~fold16(add_words(pseudo, tcp, sizeof(*tcp)));
  return true;
}

/// `sum`: of the bytes that follow.
static __always_inline void write_icmp(union answer_headers* h, const struct question* q,
                                       const bool ipv6, __u64 sum) {
  const __u32 length = FL_ICMP_BYTES + q->quote;
  const __u8 protocol = ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
  struct icmp_error* icmp = ipv6 ? &h->v6.icmp : &h->v4.icmp;
  icmp->mtu = bpf_htonl(q->mtu);
  if (ipv6) {
    icmp->type = q->mtu ? ICMP6_TOO_BIG : ICMP6_UNREACHABLE;
    icmp->code = q->mtu ? 0 : ICMP6_PORT;
    sum += pseudo_sum(&q->tuple, true, protocol, length);
  } else {
    icmp->type = ICMP4_UNREACHABLE;
    icmp->code = q->mtu ? ICMP4_FRAGMENTATION_NEEDED : ICMP4_PORT;
  }
  write_ip(h, q, ipv6, protocol, length);
  icmp->checksum = ~fold16(add_words(sum, icmp, FL_ICMP_BYTES));
}

/// How many bytes of the packet are quoted: a multiple of 4, which costs at most 3 of them. False:
/// not even its ports are there.
static __always_inline bool set_quote(struct question* q, const bool ipv6, __u32 available) {
  __u32 quote = q->length < available ? q->length : available;
  const __u32 most = ipv6 ? FL_QUOTE6 : FL_QUOTE4;
  if (quote > most) quote = most;
  q->quote = quote & ~3U;
  return quote >= q->header + 8;
}

/// Adds the `q->quote` bytes at `offset`, which are linear. False: they are not there.
static __always_inline bool add_quote(const struct packet* p, const struct question* q,
                                      const __u32 offset, __u64* sum) {
  enum { STEP = 64 };
  __s64 total = 0;
  // Each way out of a loop looks the same to the verifier, as the count is read anew behind it:
  // else it would walk what follows once for each.
  const __u32 steps = *(const volatile __u32*)&q->quote / STEP;
  for (__u32 i = 0; i < FL_QUOTE6 / STEP && i < steps; ++i) {
    void* at = p->data + offset + i * STEP;
    if (at + STEP > p->data_end) return false;
    total = bpf_csum_diff(NULL, 0, at, STEP, total);
  }
  const __u32 quote = *(const volatile __u32*)&q->quote;
  if (quote > FL_QUOTE6) return false;
  const __u32 words = quote % STEP / 4;
  const void* rest = p->data + offset + quote / STEP * STEP;
  *sum += (__u32)total;
  for (__u32 i = 0; i < STEP / 4 && i < words; ++i) {
    const __u32* at = rest + i * 4;
    asm volatile("" : "+r"(at));  // else clang moves the comparison's arithmetic to data_end
    if ((void*)(at + 1) > p->data_end) return false;
    *sum += *at;
  }
  return true;
}
