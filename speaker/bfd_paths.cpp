// configuration -> paths; packets -> their path.
#include "speaker/bfd_paths.hpp"

#include <algorithm>

namespace fairlead::speaker {

using bgp::control::Transport;

namespace {

bfd::Neighbor neighbor_of(const Transport& transport) {
  const bool is_scoped = !transport.address.is_v4() && transport.address.is_link_local();
  return {.address = transport.address, .interface = is_scoped ? transport.interface : ""};
}

bool same_path(const Transport& a, const Transport& b) {
  return neighbor_of(a) == neighbor_of(b) && a.local_address == b.local_address;
}

}  // namespace

BfdPaths::BfdPaths(boost::asio::io_context& io, log::Logger log, Changed changed)
    : io_(io),
      log_(std::move(log)),
      changed_(std::move(changed)),
      random_(std::random_device{}()),
      ports_(random_()),
      demultiplexer_(random_()),
      ipv4_(io, Family::kIpv4, [this](const auto& packet) { received(packet); }),
      ipv6_(io, Family::kIpv6, [this](const auto& packet) { received(packet); }) {}

void BfdPaths::set(const std::string& peer, const Transport& transport) {
  const auto found = by_peer_.find(peer);
  const bfd::Pace pace = pace_of(*transport.bfd);
  if (auto checked = check(pace); !checked) {
    log_.error("a BFD session that cannot be", {{"peer", peer}, {"error", checked.error()}});
    return remove(peer);
  }
  if (found != by_peer_.end() && same_path(paths_.at(found->second)->transport(), transport))
    return paths_.at(found->second)->set_pace(pace);
  remove(peer);
  add(peer, transport);
}

void BfdPaths::add(const std::string& peer, const Transport& transport) {
  const bfd::Neighbor neighbor = neighbor_of(transport);
  // Whoever says goodbye to that neighbor has said enough.
  std::erase_if(paths_, [&](const auto& entry) {
    const auto& [own, path] = entry;
    const bool ends = path->session().state() == bfd::State::kAdminDown &&
                      neighbor_of(path->transport()) == neighbor;
    if (ends) demultiplexer_.remove(own);
    return ends;
  });
  const auto own = demultiplexer_.add(neighbor);
  if (!own)
    return log_.error("two peers with one address, only one of them has BFD",
                      {{"peer", peer}, {"address", to_string(transport.address)}});
  const BfdPath::Host host{
      .io = io_,
      .log = log_.with({{"peer", peer}}),
      .ports = ports_,
      .read_now =
          [this] {
            if (is_deaf_) set_receivers();
            ipv4_.read_now();
            ipv6_.read_now();
          },
      .changed = [this, peer](const bfd::StateChanged& change) { changed_(peer, change); },
      .silent = [this, own = *own] { drop(own); }};
  const auto path = std::make_shared<BfdPath>(host, transport, *own, random_());
  paths_[*own] = path;
  by_peer_[peer] = *own;
  set_receivers();
  path->start();
}

void BfdPaths::remove(const std::string& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return;
  const auto path = paths_.at(found->second);
  by_peer_.erase(found);
  path->stop();
}

void BfdPaths::keep_only(const std::set<std::string>& peers) {
  const auto before = by_peer_;
  for (const auto& [peer, own] : before)
    if (!peers.contains(peer)) remove(peer);
}

void BfdPaths::drop(bfd::Discriminator own) {
  paths_.erase(own);
  demultiplexer_.remove(own);
  set_receivers();
}

void BfdPaths::shut_down() {
  keep_only({});
  abandon();
}

void BfdPaths::abandon() {
  by_peer_.clear();
  for (const auto& [own, path] : paths_) demultiplexer_.remove(own);
  paths_.clear();
  set_receivers();
}

const bfd::Session* BfdPaths::find(const std::string& peer) const {
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? nullptr : &paths_.at(found->second)->session();
}

void BfdPaths::received(const BfdReceiver::Packet& packet) {
  const auto own = demultiplexer_.find(packet.payload, packet.from);
  if (!own) return refused(packet, own.error());
  const auto path = paths_.at(*own);
  path->received(packet.payload, packet.ttl);
}

/// Each power of two: whoever knocks all day fills no log.
void BfdPaths::refused(const BfdReceiver::Packet& packet, bfd::Refusal why) {
  if (++refused_; (refused_ & (refused_ - 1)) != 0) return;
  log_.warn(
      "refused a BFD packet",
      {{"address", to_string(packet.from.address)}, {"why", to_string(why)}, {"so_far", refused_}});
}

void BfdPaths::set_receivers() {
  is_deaf_ = false;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    BfdReceiver& receiver = family == Family::kIpv4 ? ipv4_ : ipv6_;
    const bool is_needed = std::ranges::any_of(paths_, [&](const auto& entry) {
      return entry.second->transport().address.family() == family;
    });
    if (!is_needed) {
      receiver.close();
      continue;
    }
    const auto opened = receiver.open();
    is_deaf_ = is_deaf_ || !opened;
    if (opened || opened.error().doing == logged_failure_) continue;
    logged_failure_ = opened.error().doing;
    log_.error("BFD sessions cannot come up", {{"error", opened.error()}});
  }
}

}  // namespace fairlead::speaker
