// `fairlead bgp-speaker` as the agent runs it, with the test as its agent.
#pragma once

#include <map>
#include <memory>

#include "dataplane/bgp/control/codec.hpp"
#include "dataplane/kernel/fd.hpp"
#include "tests/netns/bgp/process.hpp"
#include "tests/netns/cluster/namespaces.hpp"

namespace fairlead::test {

Ip ip(std::string_view text);
bgp::Prefix prefix(std::string_view text);

/// It runs as nobody, without capabilities.
class SpeakerProcess {
 public:
  /// Listens on `port` of both families.
  SpeakerProcess(const Namespace& where, const std::string& log_file, std::uint16_t port = 179);

  void say(const bgp::control::ToSpeaker& message);
  void say_text(std::string_view line);
  /// Waits for what the speaker says until `is_true`.
  void eventually(const std::string& what, const std::function<bool()>& is_true);
  /// Asks, and waits for the whole answer.
  bgp::control::Answer ask(bgp::control::Ask::What what,
                           std::optional<bgp::Prefix> prefix = std::nullopt);

  /// As it was said last.
  [[nodiscard]] bgp::control::PeerStatus peer(const std::string& name) const;
  [[nodiscard]] bool is_established(const std::string& name) const;
  /// "10.1.0.0/24 via 10.0.0.2", a space between several.
  [[nodiscard]] std::string route(std::string_view prefix) const;
  [[nodiscard]] std::size_t routes() const { return routes_.size(); }
  /// How many of them went again.
  [[nodiscard]] std::size_t gone() const { return gone_; }
  [[nodiscard]] bool restart_is_over() const { return restart_is_over_; }

  [[nodiscard]] Process& process() { return *process_; }
  /// As if the agent had ended.
  void close_control() { control_ = Fd(); }
  /// All that the speaker has said, as text.
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  void read_some();
  void take(bgp::control::FromSpeaker message);

  Fd control_;
  std::unique_ptr<Process> process_;
  std::string buffer_, said_;
  std::map<std::string, bgp::control::PeerStatus> peers_;
  std::map<bgp::Prefix, std::vector<bgp::control::Via>> routes_;
  std::size_t gone_ = 0;
  std::optional<bgp::control::Answer> answer_;
  std::uint64_t last_ask_ = 0;
  bool restart_is_over_ = false;
};

}  // namespace fairlead::test
