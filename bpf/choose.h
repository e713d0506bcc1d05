// A frontend's block and group -> one backend.
//
//   affinity: the one that this client had, if it is still a member
//   Maglev:   by the hash of the flow, where the group has a table and the caller wants every node
//   to choose alike else:     round robin, or random; by weight: a random place of the Maglev table
#pragma once

#include "frontends.h"

struct choice {
  struct fl_address address;
  __be16 port;
  bool remembered, by_hash;
  __u32 bits;   // enum fl_backend_bits; 0 for a remembered one
  __u32 index;  // in its group; 0 for a remembered one
};

struct chooser {
  struct fl_address client;  // for affinity
  __u32 hash;                // of the flow
  bool use_hash;  // every node, and this one after it has forgotten, shall choose the same
  bool dry;       // `fairlead explain`: remember nothing
};

static __always_inline bool affinity_remembers(const struct fl_header* header, __u8 verdict,
                                               struct chooser* how, struct choice* choice) {
  const struct fl_affinity_key key = {.service = header->service, .client = how->client};
  struct fl_affinity* last = bpf_map_lookup_elem(&affinity, &key);
  if (!last || now_ticks() - last->stamp > header->affinity_seconds) return false;
  const struct fl_member_key member = {.service = header->service,
                                       .address = last->address,
                                       .port = last->port,
                                       .group = verdict & FL_VERDICT_LOCAL ? 1 : 0};
  if (!bpf_map_lookup_elem(&members, &member)) return false;
  choice->address = last->address;
  choice->port = last->port;
  choice->remembered = true;
  if (!how->dry) last->stamp = now_ticks();
  return true;
}

static __always_inline void remember(const struct fl_header* header, const struct chooser* how,
                                     const struct choice* choice) {
  const struct fl_affinity_key key = {.service = header->service, .client = how->client};
  const struct fl_affinity value = {
      .address = choice->address, .port = choice->port, .stamp = now_ticks()};
  bpf_map_update_elem(&affinity, &key, &value, BPF_ANY);
}

static __always_inline __u32 maglev_index(__u32 block, const struct fl_group* group, __u32 hash) {
  const __u32 slot = hash % group->maglev_size;
  __u32 index = block + group->maglev_first + slot / FL_MAGLEV_PER_RECORD;
  const __u16* entries = bpf_map_lookup_elem(&records, &index);
  return entries ? entries[slot % FL_MAGLEV_PER_RECORD] : 0;
}

static __always_inline __u32 choose_index(__u32 block, struct fl_header* header,
                                          const struct fl_group* group, const struct chooser* how,
                                          struct choice* choice) {
  if (group->maglev_size && (how->use_hash || header->algorithm == FL_ALGORITHM_MAGLEV)) {
    choice->by_hash = true;
    return maglev_index(block, group, how->hash);
  }
  if (how->use_hash) return how->hash % group->count;
  if (header->algorithm == FL_ALGORITHM_ROUND_ROBIN)
    return (how->dry ? header->next : __sync_fetch_and_add(&header->next, 1)) % group->count;
  if (header->bits & FL_BLOCK_WEIGHTED && group->maglev_size)
    return maglev_index(block, group, bpf_get_prandom_u32());
  return bpf_get_prandom_u32() % group->count;
}

/// False: the group is empty, or the tables contradict themselves.
static __always_inline bool choose_backend(__u32 block, __u8 verdict, struct chooser* how,
                                           struct choice* choice) {
  struct fl_header* header = header_of(block);
  const struct fl_group* group = group_of(block, verdict);
  if (!header || !group || group->count == 0) return false;
  const bool has_affinity = header->affinity_seconds != 0;
  if (has_affinity && affinity_remembers(header, verdict, how, choice)) return true;
  choice->index = choose_index(block, header, group, how, choice);
  __u32 index = block + group->first + choice->index;
  const struct fl_backend* backend = bpf_map_lookup_elem(&records, &index);
  if (!backend) return false;
  choice->address = backend->address;
  choice->port = backend->port;
  choice->bits = backend->bits;
  if (has_affinity && !how->dry) remember(header, how, choice);
  return true;
}
