// The next hops of learned routes: how the kernel gets there, and which of them it cannot reach.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "dataplane/bgp/control/messages.hpp"
#include "dataplane/kernel/learned_routes.hpp"
#include "dataplane/kernel/netlink.hpp"
#include "model/result.hpp"

namespace fairlead::bgp {

class NextHops {
 public:
  /// Gateways and links; empty: it cannot be reached, or was never looked at.
  [[nodiscard]] const std::vector<RouteHop>& hops_of(const control::Via& via) const;

  /// Looks at those that are not known yet.
  Result<> add(NetlinkSocket& socket, const std::set<control::Via>& vias);

  /// Looks at all again. Those that are reached differently now. Neighbours that did not answer are
  /// asked again. What is reached and not `in_use` is forgotten.
  Result<std::set<control::Via>> look(NetlinkSocket& socket, const std::set<control::Via>& in_use);

  /// What the speaker has to be told, since the last call.
  std::vector<control::NextHopState> take_news() { return std::exchange(news_, {}); }
  /// A new speaker takes all for reachable.
  void tell_again();

  [[nodiscard]] bool any_unreachable() const;
  /// By these links routes went since the start.
  [[nodiscard]] const std::set<int>& links() const { return links_; }

 private:
  struct State {
    std::vector<RouteHop> found;   // by routes
    std::set<RouteHop> silent;     // of them, those that did not answer when last asked
    std::vector<RouteHop> usable;  // the others
    bool told_reachable = true;
  };
  struct Kernel {  // what all of them are judged by
    NeighbourAnswers neighbours;
    std::vector<int> links;
  };
  static Result<Kernel> read(NetlinkSocket& socket);
  Result<bool> judge(NetlinkSocket& socket, const Kernel& kernel, const control::Via& via,
                     State& state);

  std::map<control::Via, State> known_;
  std::vector<control::NextHopState> news_;
  std::set<int> links_;
};

}  // namespace fairlead::bgp
