// What a socket remembers of its translations, and what its hooks leave to the packet path.
#pragma once

#include "types.h"

/// One translation: the application asked for `frontend` and talks to `backend`. Network byte
/// order.
struct fl_translation {
  struct fl_address frontend;
  struct fl_address backend;
  __be16 frontend_port, backend_port;
  __u32 block;  // that the choice was made from; as long as the frontend has it nothing has
                // changed. 0: unused
};
FL_LAYOUT(struct fl_translation, 40);

/// A connected socket has one translation, an unconnected one the last FL_TRANSLATIONS.
#define FL_TRANSLATIONS 4
enum fl_socket_bits {
  FL_SOCKET_CONNECTED = 1,
};
/// Map `sockets`, SK_STORAGE.
struct fl_socket {
  struct fl_translation translation[FL_TRANSLATIONS];
  __u8 protocol;
  __u8 bits;  // enum fl_socket_bits
  __u8 next;  // which translation is replaced next
  __u8 pad[5];
};
FL_LAYOUT(struct fl_socket, 168);

/// Map `foreign_flows`, HASH, value __u8 1: UDP flows that Linux conntrack owned when we came.
/// Their sockets' datagrams are left to the packet path, which knows exactly.
struct fl_foreign_key {
  struct fl_address destination;
  __be16 source_port, destination_port;
  __u8 protocol;
  __u8 pad[3];
};
FL_LAYOUT(struct fl_foreign_key, 24);

/// Written by the iterator over `sockets` for each socket that leads to a backend of
/// `dead_backends`, HASH of struct fl_dead_key, value __u8 1.
struct fl_dead_key {
  struct fl_address address;
  __be16 port;
  __u8 protocol;
  __u8 pad[5];
};
FL_LAYOUT(struct fl_dead_key, 24);
struct fl_dead_socket {
  __u64 cookie;
  __u32 netns_inode;
  __u8 family;  // AF_INET or AF_INET6
  __u8 protocol;
  __u8 pad[2];
};
FL_LAYOUT(struct fl_dead_socket, 16);
