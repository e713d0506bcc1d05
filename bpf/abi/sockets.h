// What a socket remembers of its translations, and what its hooks leave to the packet path.
#pragma once

#include "types.h"

/// One translation: the application asked for `frontend` and talks to `backend`. Network byte
/// order.
struct fl_translation {
  struct fl_address frontend;
  struct fl_address backend;
  __be16 frontend_port, backend_port;  // frontend_port 0: nothing is translated
  __u32 index;                         // of the backend in its group, when last seen there
};
FL_LAYOUT(struct fl_translation, 40);

/// Map `streams`, ARRAY: what connect() of a TCP socket did, at the place that follows from its
/// cookie. Taken by connect(), given back when the socket is released, never taken away: where
/// another socket has the place, `sockets` is used. It costs a quarter of a socket storage, which
/// is made and freed with each connection.
#define FL_STREAMS (1 << 16)
struct fl_stream {
  __u64 cookie;  // of the socket; 0: free
  struct fl_translation connection;
  __u64 pad[2];  // one cache line
};
FL_LAYOUT(struct fl_stream, 64);

/// Map `sockets`, SK_STORAGE: what connect() of a UDP socket did, or of TCP without a place in
/// `streams`. That it is still connected is said by the socket itself: its state and its peer.
struct fl_socket {
  struct fl_translation connection;
};
FL_LAYOUT(struct fl_socket, 40);

/// Map `datagram_sockets`, SK_STORAGE: of sockets that send to Services without connect().
#define FL_TRANSLATIONS 16
struct fl_datagram_socket {
  struct fl_translation translation[FL_TRANSLATIONS];
  __u8 last;  // which was used last: of several that lead to one backend, the answer is its
  __u8 next;  // which is written next
  __u8 pad[6];
};
FL_LAYOUT(struct fl_datagram_socket, 648);

/// Map `foreign_flows`, HASH, value __u8 1: UDP flows that Linux conntrack owned when we came.
/// Their sockets' datagrams are left to the packet path, which knows exactly.
struct fl_foreign_key {
  struct fl_address destination;
  __be16 source_port, destination_port;
  __u8 protocol;
  __u8 pad[3];
};
FL_LAYOUT(struct fl_foreign_key, 24);

/// Map `dead_backends`, HASH, value __u8 1: backends that are gone. The iterator looks for their
/// sockets; while draining, unconnected sockets are no longer sent to them.
/// To the iterator the key of UDP without address and port is every backend.
struct fl_dead_key {
  struct fl_address address;
  __be16 port;
  __u8 protocol;
  __u8 pad[5];
};
FL_LAYOUT(struct fl_dead_key, 24);

/// Written by the iterator over `sockets` for each connected UDP socket that leads to one of
/// `dead_backends`. Network byte order; an IPv6 socket may have IPv4 addresses.
struct fl_dead_socket {
  __u64 cookie;
  struct fl_address source, destination;
  __be16 source_port, destination_port;
  __u32 interface;  // that it is bound to; 0: none
  __u32 netns_inode;
  __u8 family;  // AF_INET or AF_INET6
  __u8 pad[3];
};
FL_LAYOUT(struct fl_dead_socket, 56);
