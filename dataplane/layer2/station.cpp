// hold, release -> Responder; announce, ask, probe -> frames -> FrameSocket.
#include "dataplane/layer2/station.hpp"

#include <linux/netlink.h>

#include <algorithm>

#include "dataplane/layer2/links.hpp"

namespace fairlead::layer2 {

Result<Station> Station::open(const std::string& pin_directory) {
  TRY(auto responder, Responder::open(pin_directory));
  TRY(auto monitor, LinkMonitor::open());
  TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  TRY(auto wake, WakeSet::make());
  TRY_VOID(wake.add(monitor.fd()));
  Station station(std::move(responder), std::move(monitor), std::move(socket), std::move(wake));
  TRY(station.links_, read_ethernet_links(station.socket_));
  return station;
}

Result<bool> Station::hear(const std::function<void(int, const Heard&)>& heard) {
  for (auto& [link, socket] : sockets_) {
    TRY_VOID(socket.drain([&, at = link](std::span<const std::uint8_t> frame) {
      if (const auto said = decode(frame)) heard(at, *said);
    }));
  }
  TRY(const bool changed, monitor_.drain());
  if (!changed) return false;
  TRY(auto links, read_ethernet_links(socket_));
  return std::exchange(links_, std::move(links)) != links_;
}

Result<> Station::use(const std::set<int>& links) {
  std::erase_if(sockets_, [&](const auto& socket) { return !links.contains(socket.first); });
  for (const int link : links) {
    if (sockets_.contains(link)) continue;
    TRY(auto socket, FrameSocket::open(link));
    TRY_VOID(wake_.add(socket.arp_fd()));
    TRY_VOID(wake_.add(socket.neighbour_fd()));
    sockets_.emplace(link, std::move(socket));
  }
  return responder_.attach(links);
}

Result<> Station::say(const Action& action) {
  const auto socket = sockets_.find(action.link);
  const auto link = std::ranges::find(links_, action.link, &EthernetLink::index);
  if (socket == sockets_.end() || link == links_.end()) return {};  // it is gone, or down
  if (action.kind == Action::Kind::kAnnounce) {
    for (const Frame& frame : announcement(action.mac, action.address))
      TRY_VOID(socket->second.send(frame));
    return {};
  }
  const Family family = action.address.family();
  const bool names_us = action.kind == Action::Kind::kAsk;
  return socket->second.send(question(action.mac,
                                      names_us ? own_address(*link, family) : any_address(family),
                                      action.address, action.to));
}

Result<> Station::carry_out(const Action& action) {
  switch (action.kind) {
    case Action::Kind::kHold:
      return responder_.hold(action.link, action.address, action.mac);
    case Action::Kind::kRelease:
      return responder_.release(action.link, action.address);
    case Action::Kind::kAnnounce:
    case Action::Kind::kAsk:
    case Action::Kind::kProbe:
      return say(action);
  }
  return {};
}

Result<> Station::carry_out(std::span<const Action> actions) {
  Result<> outcome;
  for (const Action& action : actions)
    if (auto done = carry_out(action); !done && outcome)
      outcome = prefix("load balancer address " + to_string(action.address), done.error());
  return outcome;
}

}  // namespace fairlead::layer2
