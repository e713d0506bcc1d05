// Network namespaces for one test program, and what runs in them. Everything is gone when the
// objects are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dataplane/kernel/fd.hpp"
#include "tests/netns/cluster/bpf_home.hpp"

namespace fairlead::test {

/// Runs a shell command; a failure fails the test and shows the command.
void sh(const std::string& command);

/// A namespace `flt-<pid>-NAME`, with loopback up.
class Namespace {
 public:
  explicit Namespace(const std::string& name);
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// `ip -n NAME …`
  void ip(const std::string& arguments) const;
  void sh(const std::string& command) const;
  /// The output of a command in here.
  [[nodiscard]] std::string output_of(const std::string& command) const;
  /// Calls `body` on a thread of its own in this namespace. Sockets opened there stay in it.
  void run(const std::function<void()>& body) const;

  /// From now on the clients in here belong to this cgroup, which must outlive them. Servers never
  /// do.
  void set_cgroup(Cgroup* cgroup) { cgroup_ = cgroup; }
  /// Calls `body`, which opens a client's socket, in that cgroup.
  void run_as_client(const std::function<void()>& body) const;

 private:
  std::string name_;
  Fd fd_;
  Cgroup* cgroup_ = nullptr;
};

/// Two interfaces, each in its namespace.
void connect_namespaces(const Namespace& a, const std::string& name_in_a, const Namespace& b,
                        const std::string& name_in_b);

}  // namespace fairlead::test
