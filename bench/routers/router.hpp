// The speakers that are measured: each alone in a namespace of its own, with no kernel route to
// write, its peers by a veth pair.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "bench/routers/exercise.hpp"
#include "bench/world/child.hpp"
#include "bench/world/namespace.hpp"

namespace fairlead::bench {

struct RouterSetting {
  std::string self;     // this executable
  std::string scratch;  // a directory
  std::optional<unsigned> cpu;
  /// A feeder and a sink, external, the one told to the other; or 0, and this many internal peers.
  unsigned mesh = 0;
};

class Router {
 public:
  Router(Namespace where, Namespace peers, Child process, Fd control)
      : where_(std::move(where)),
        peers_(std::move(peers)),
        process_(std::move(process)),
        control_(std::move(control)) {}
  [[nodiscard]] const Namespace& peers() const { return peers_; }
  [[nodiscard]] UnderTest under_test() const {
    return {.pid = process_.pid(), .control = control_ ? control_.get() : -1};
  }

 private:
  Namespace where_, peers_;
  Child process_;
  Fd control_;
};

struct RouterWay {
  std::string name;
  Result<Router> (*start)(const RouterSetting&);
};
/// Fairlead's speaker, and BIRD 2.
std::span<const RouterWay> router_ways();

}  // namespace fairlead::bench
