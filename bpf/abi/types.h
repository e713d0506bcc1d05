// Types that the BPF programs and the agent share. Included by C and C++ alike; nothing here has
// hidden padding.
#pragma once

#include <linux/types.h>

#ifdef __cplusplus
#include <type_traits>
#define FL_LAYOUT(type, size)                        \
  static_assert(sizeof(type) == (size));             \
  static_assert(std::is_trivially_copyable_v<type>); \
  static_assert(std::has_unique_object_representations_v<type>)
#else
#define FL_LAYOUT(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

/// Of the functions here: a call would make clang keep a program's whole packet in memory.
#define FL_INLINE static inline __attribute__((always_inline))

/// The layout of all maps. Raised by whoever changes a struct in this folder: maps of another
/// layout are not read, they are drained beside the new ones by what never changes (struct
/// fl_config_head).
#define FL_ABI 3

/// An IPv4 address is ::ffff:a.b.c.d, as in model/ip.hpp. Network byte order.
struct fl_address {
  __be32 word[4];
};
FL_LAYOUT(struct fl_address, 16);

#define FL_MAPPED_PREFIX 0xffff /* word[2] of an IPv4 address, in host byte order */
