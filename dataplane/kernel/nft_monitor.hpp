// Tells when somebody else commits a change of one table.
#pragma once

#include <string>

#include "dataplane/kernel/netlink.hpp"
#include "model/result.hpp"

namespace fairlead::nft {

class Monitor {
 public:
  /// `own`: the socket of our own transactions; its messages are dropped in the kernel and never
  /// wake us.
  static Result<Monitor> open(std::string table, const NetlinkSocket& own);

  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// Reads what has arrived, without waiting. True: table inet `table` was changed, or messages
  /// were lost.
  Result<bool> changed();

 private:
  Monitor(NetlinkSocket socket, std::string table)
      : socket_(std::move(socket)), table_(std::move(table)) {}

  NetlinkSocket socket_;
  std::string table_;
};

}  // namespace fairlead::nft
