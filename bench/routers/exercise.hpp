// What routers are put through, by peers in a namespace beside theirs: 10.99.0.1/16 is the
// router's, its peers are 10.99.1.1 and on.
#pragma once

#include <vector>

#include "bench/routers/wire_peer.hpp"

namespace fairlead::bench {

inline constexpr const char* kRouterAddress = "10.99.0.1";
inline constexpr bgp::AsNumber kRouterAs{64512}, kFeederAs{65001}, kSinkAs{65002};
inline constexpr Port kRouterPort{179};
/// The address of the peer with this index: feeder 0, sink 1, and those of the mesh.
Ip peer_address(unsigned index);

struct UnderTest {
  int pid = 0;
  int control = -1;  // what it says to its agent is read and dropped; -1: it has none
};

/// A feeder (external) tells `prefixes`, and the router tells the sink (external, too).
struct TableFigures {
  double seconds = 0;               // from the first byte to the router to the sink's last prefix
  double cpu_seconds = 0;           // of the router, in that time
  double peak_mib = 0;              // the router's resident memory at most
  std::vector<double> withdraw_ms;  // from the feeder's word to the sink's ear, one prefix each
};
Result<TableFigures> fill_table(const UnderTest& router, unsigned prefixes, unsigned withdrawals);

/// `peers` internal ones, each with one prefix and a hold time of 9 s, and nothing happens.
struct RestFigures {
  double cpu_percent = 0;  // of one CPU, over `seconds`
  double peak_mib = 0;
};
Result<RestFigures> rest(const UnderTest& router, unsigned peers, double seconds);

}  // namespace fairlead::bench
