// The UDP half of a server's thread: counts datagrams, and sends those back that ask for it, from
// the address that they were sent to.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <vector>

#include "bench/load/load.hpp"
#include "bench/load/server_counts.hpp"
#include "bench/load/sockets.hpp"

namespace fairlead::bench {

class DatagramServer {
 public:
  static Result<DatagramServer> open(const ServerOptions& options);
  [[nodiscard]] int socket() const { return socket_.get(); }
  /// What is there, up to a batch. After one of a client that is alone: what comes, until there is
  /// a pause.
  void serve(ServerCounts& counts);

 private:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kMaxDatagram = 65536;
  static constexpr std::size_t kControlBytes = 128;

  explicit DatagramServer(Fd socket);
  /// How many were received; 0 where nothing is there.
  std::size_t receive(bool wait);
  void answer(std::size_t index);

  Fd socket_;
  std::vector<char> buffers_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> parts_;
  std::vector<sockaddr_storage> senders_;
  std::vector<std::array<char, kControlBytes>> controls_;
};

}  // namespace fairlead::bench
