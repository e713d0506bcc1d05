// A thread in a network namespace.
#pragma once

#include <cstdint>

#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead {

/// A network namespace that stays as long as this object.
class Netns {
 public:
  /// Another one, by a descriptor of /proc/…/ns/net or of what is bound to it.
  static Result<Netns> of(const Fd& descriptor);
  /// The calling thread's.
  static Result<Netns> current();
  /// What SO_NETNS_COOKIE says of it; the same for all of its sockets, and no other's.
  [[nodiscard]] std::uint64_t cookie() const { return cookie_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Calls `body` with the calling thread in this namespace, and takes the thread back after it.
  template <class Body>
  auto run(Body body) const -> decltype(body()) {
    TRY(const Fd before, enter());
    auto result = body();
    if (before) leave(before);
    return result;
  }

 private:
  Result<> read_cookie();
  /// The namespace that the thread was in; nothing if it was here.
  [[nodiscard]] Result<Fd> enter() const;
  static void leave(const Fd& before);

  Fd fd_;
  std::uint64_t inode_ = 0, cookie_ = 0;
};

}  // namespace fairlead
