// BFD (RFC 5880, 5881) to all peers that are to have it: a dead path is noticed in a second, not
// after a hold time.
//
//     UDP 3784 ──▶ BfdReceiver ──▶ Demultiplexer ──▶ BfdPath ──packets──▶ BfdSender ──▶ peer's 3784
//                                                      └── StateChanged ──▶ the peer's BGP session
#pragma once

#include <map>

#include "dataplane/bfd/demultiplexer.hpp"
#include "speaker/bfd_path.hpp"
#include "speaker/bfd_receiver.hpp"

namespace fairlead::speaker {

class BfdPaths {
 public:
  /// Of the peer of that name.
  using Changed = std::function<void(const std::string& peer, const bfd::StateChanged& change)>;

  BfdPaths(boost::asio::io_context& io, log::Logger log, Changed changed);

  /// As `transport.bfd`, which is there, says: begins, or changes its pace.
  void set(const std::string& peer, const bgp::control::Transport& transport);
  /// The others are ended; their peers are told for a while that this is no failure.
  void keep_only(const std::set<std::string>& peers);
  /// All at once: with one word to each (administratively down), or without any.
  void shut_down();
  void abandon();

  /// Null: there is none.
  [[nodiscard]] const bfd::Session* find(const std::string& peer) const;

 private:
  void add(const std::string& peer, const bgp::control::Transport& transport);
  void remove(const std::string& peer);
  void drop(bfd::Discriminator own);
  void received(const BfdReceiver::Packet& packet);
  void refused(const BfdReceiver::Packet& packet, bfd::Refusal why);
  /// Port 3784 of each family is ours only while somebody needs it.
  void set_receivers();

  boost::asio::io_context& io_;
  log::Logger log_;
  Changed changed_;
  std::mt19937_64 random_;
  SourcePorts ports_;
  bfd::Demultiplexer demultiplexer_;
  BfdReceiver ipv4_, ipv6_;
  std::map<bfd::Discriminator, std::shared_ptr<BfdPath>> paths_;  // those that say goodbye, too
  std::map<std::string, bfd::Discriminator> by_peer_;
  bool is_deaf_ = false;        // somebody else has the port: tried again with each timer
  std::string logged_failure_;  // of listening
  std::uint64_t refused_ = 0;   // packets for nobody
};

}  // namespace fairlead::speaker
