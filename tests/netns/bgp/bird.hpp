// Debian's BIRD in a namespace of its own, at the other end of a link.
#pragma once

#include <memory>

#include "tests/netns/bgp/process.hpp"
#include "tests/netns/cluster/namespaces.hpp"

namespace fairlead::test {

class Bird {
 public:
  /// `configuration` of protocols and the like; router id and device are there already. Does not
  /// run yet.
  Bird(const Namespace& where, const Folder& folder, const std::string& configuration);

  static bool is_installed();
  void start() { start({}); }
  /// As after a crash: with what the kernel still has (RFC 4724).
  void start_again() { start({"-R"}); }
  void stop() { process_.reset(); }
  /// Has read another configuration.
  void configure(const std::string& configuration);
  /// What birdc answers.
  [[nodiscard]] std::string ask(const std::string& command) const;
  /// Waits until the answer to `command` holds `text`.
  void eventually(const std::string& command, const std::string& text) const;
  void eventually_not(const std::string& command, const std::string& text) const;

 private:
  void start(const std::vector<std::string>& options);
  const Namespace& where_;
  std::string config_, socket_, log_;
  std::unique_ptr<Process> process_;
};

}  // namespace fairlead::test
