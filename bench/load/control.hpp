// The client's end of a control connection: what has the server seen?
#pragma once

#include <string>

#include "bench/load/sockets.hpp"
#include "bench/load/wire.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

class Control {
 public:
  /// Errors: nobody listens there.
  static Result<Control> open(const Ip& address, Port port);
  /// Errors: the server has gone, or is no server of serve().
  Result<Counts> ask();
  /// Asks until `sent` more datagrams than `before` have come, or none has for a while: what is on
  /// its way still arrives.
  Result<Counts> ask_until_arrived(const Counts& before, std::uint64_t sent);

 private:
  Control(Fd socket, std::string name) : socket_(std::move(socket)), name_(std::move(name)) {}

  Fd socket_;
  std::string name_;
};

}  // namespace fairlead::bench
