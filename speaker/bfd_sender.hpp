// Where one BFD session's packets leave: a UDP socket of its own (RFC 5881 4, 5).
#pragma once

#include <boost/asio/ip/udp.hpp>
#include <random>
#include <set>

#include "dataplane/bfd/packet.hpp"
#include "dataplane/bgp/control/messages.hpp"

namespace fairlead::speaker {

/// 49152 to 65535, each for one session at a time.
class SourcePorts {
 public:
  explicit SourcePorts(std::uint64_t seed) : random_(seed) {}
  std::uint16_t take();
  void give_back(std::uint16_t port) { taken_.erase(port); }

 private:
  std::mt19937_64 random_;
  std::set<std::uint16_t> taken_;
};

class BfdSender {
 public:
  BfdSender(boost::asio::io_context& io, SourcePorts& ports, bgp::control::Transport transport);
  ~BfdSender();
  BfdSender(const BfdSender&) = delete;
  BfdSender& operator=(const BfdSender&) = delete;

  /// Never waits. Error: there is no way to the peer, or no room.
  Result<> send(const bfd::Datagram& packet);
  /// The next packet leaves from wherever the kernel says then; from the same port if it is free.
  void close();

 private:
  Result<> open();
  Result<> bind(const boost::asio::ip::address& local);

  boost::asio::ip::udp::socket socket_;
  SourcePorts& ports_;
  bgp::control::Transport transport_;
  std::uint16_t port_;
};

}  // namespace fairlead::speaker
