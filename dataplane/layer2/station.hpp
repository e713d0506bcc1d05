// This node on its links: what Holdings wants done is done, and what it must hear is heard.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "dataplane/kernel/ethernet_links.hpp"
#include "dataplane/kernel/frame_socket.hpp"
#include "dataplane/kernel/network_links.hpp"
#include "dataplane/kernel/wake_set.hpp"
#include "dataplane/layer2/holdings.hpp"
#include "dataplane/layer2/responder.hpp"

namespace fairlead::layer2 {

class Station {
 public:
  /// The network namespace is the calling thread's, for good.
  static Result<Station> open(const std::string& pin_directory);

  /// Readable when frames have arrived or links have changed; then hear().
  [[nodiscard]] int fd() const { return wake_.fd(); }
  /// Gives what others said since the last call, by link. True: links or their addresses are
  /// others, and links() says which.
  Result<bool> hear(const std::function<void(int link, const Heard&)>& heard);

  [[nodiscard]] const std::vector<EthernetLink>& links() const { return links_; }
  /// Answers, hears and speaks at these links and no others.
  Result<> use(const std::set<int>& links);
  /// All of them, whatever happens to some; the error is the first one's.
  Result<> carry_out(std::span<const Action> actions);

  [[nodiscard]] Result<std::vector<Answer>> answers() const { return responder_.answers(); }
  Result<> clean_up() { return responder_.clean_up(); }

 private:
  Station(Responder responder, LinkMonitor monitor, NetlinkSocket socket, WakeSet wake)
      : responder_(std::move(responder)),
        monitor_(std::move(monitor)),
        socket_(std::move(socket)),
        wake_(std::move(wake)) {}
  Result<> carry_out(const Action& action);
  Result<> say(const Action& action);

  Responder responder_;
  LinkMonitor monitor_;
  NetlinkSocket socket_;
  WakeSet wake_;
  std::vector<EthernetLink> links_;
  std::map<int, FrameSocket> sockets_;
};

}  // namespace fairlead::layer2
