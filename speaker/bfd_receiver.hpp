// Where all BFD sessions' packets arrive: UDP port 3784 (RFC 5881 4), of a family while it is
// needed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>

#include "dataplane/bfd/demultiplexer.hpp"
#include "model/result.hpp"

namespace fairlead::speaker {

class BfdReceiver {
 public:
  struct Packet {
    bfd::ByteView payload;
    std::uint8_t ttl = 0;  // that it came with; 0: not known
    bfd::Neighbor from;
  };
  using Received = std::function<void(const Packet&)>;

  BfdReceiver(boost::asio::io_context& io, Family family, Received received);

  /// Open already: nothing happens.
  Result<> open();
  void close();
  /// Hands over what has come.
  void read_now();

 private:
  boost::asio::awaitable<void> run();
  bool read_one();

  boost::asio::ip::udp::socket socket_;
  Family family_;
  Received received_;
};

}  // namespace fairlead::speaker
