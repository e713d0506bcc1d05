// Options of BGP's sockets. No one of them needs a capability.
#pragma once

#include <string>

#include "dataplane/bgp/control/messages.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::speaker {

/// Segments to and from `peer` are signed with `password` (RFC 2385); "": no longer. `peer` may be
/// IPv4 on an IPv6 socket. On a listening socket it holds for connections that are made from now
/// on.
Result<> set_password(int socket, const Ip& peer, const std::string& password);

/// Before the socket is connected, or as soon as it was accepted: no delay, priority, how far
/// packets go and come from. An `internal` peer may be anywhere.
Result<> set_options(int socket, const bgp::control::Transport& transport, bool internal);

/// The whole of a listening socket's: answers to a SYN go as far as they can, since a peer that
/// looks at distances (RFC 5082) would not take them otherwise.
Result<> set_listener_options(int socket);

/// Whether the socket is an IPv6 one, and whether it takes IPv4 as well.
struct ListenerFamily {
  bool ipv6 = false;
  bool both = false;
};
Result<ListenerFamily> listener_family(int socket);

}  // namespace fairlead::speaker
