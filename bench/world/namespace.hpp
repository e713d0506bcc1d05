// A network namespace without a name: it is gone with the last file descriptor and process, also
// after SIGKILL.
#pragma once

#include <functional>
#include <string>

#include "bench/world/child.hpp"
#include "dataplane/kernel/fd.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

class Namespace {
 public:
  /// Loopback is up.
  static Result<Namespace> create();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// For `ip link … netns PATH`, while this object lives.
  [[nodiscard]] std::string path() const;
  /// Lines of ip(8), without the word ip.
  Result<> ip(const std::string& lines) const;
  /// "net.ipv4.ip_forward" -> "1".
  Result<> set(const std::string& sysctl, const std::string& value) const;
  /// With the calling thread in it.
  Result<> run(const std::function<Result<>()>& body) const;

 private:
  explicit Namespace(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace fairlead::bench
