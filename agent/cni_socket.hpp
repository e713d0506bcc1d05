// The socket that fairlead-cni speaks to: messages whole, and the descriptors that come with them
// owned from the first moment.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Bound and listening, mode 0600 whatever the umask, not blocking. Replaces the socket that a dead
/// process left behind, never that of a live one.
Result<Fd> listen_for_messages(const std::string& path);
/// Nothing: nobody waits any more.
Result<std::optional<Fd>> accept_connection(int listener);

/// Whether the process at the other end is root's or this user's.
bool is_owner(int connection);
/// Whether the other end was closed: nobody waits for an answer.
bool is_gone(int connection);

struct SocketMessage {
  std::string text;
  Fd descriptor;  // may own nothing
};
/// Nothing: none has arrived yet. Empty text: the other end was closed. Errors: more than
/// `most_bytes`, or with more than one descriptor.
Result<std::optional<SocketMessage>> receive_message(int connection, std::size_t most_bytes);
Result<> send_message(int connection, std::string_view text);

}  // namespace fairlead
