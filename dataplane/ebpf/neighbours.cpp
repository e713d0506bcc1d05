// conntrack -> ForeignFlow -> those of our frontends -> map foreign_flows, config.
#include "dataplane/ebpf/neighbours.hpp"

#include <linux/netlink.h>

#include <array>
#include <utility>

#include "dataplane/ebpf/compile.hpp"

namespace fairlead::ebpf {
namespace {

constexpr std::chrono::minutes kSeldom{1};
constexpr std::array kUdp{Protocol::kUdp};
constexpr std::array kAll{Protocol::kTcp, Protocol::kUdp, Protocol::kSctp};

}  // namespace

Result<std::vector<ForeignFlow>> list_foreign_flows(std::span<const Protocol> protocols) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_NETFILTER));
  std::vector<ForeignFlow> flows;
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const Protocol protocol : protocols)
      TRY_VOID(list_conntrack(
          socket, family, protocol, ConntrackSelection::kAll, [&](const ConntrackEntry& entry) {
            if (entry.is_translated)
              flows.push_back(
                  {entry.protocol, entry.destination, entry.source_port, entry.destination_port});
          }));
  return flows;
}

fl_foreign_key foreign_key(const ForeignFlow& flow) {
  fl_foreign_key key{};
  key.destination = address_of(flow.destination);
  key.source_port = port_of(flow.source_port);
  key.destination_port = port_of(flow.destination_port);
  key.protocol = static_cast<__u8>(flow.protocol);
  return key;
}

Result<> Neighbours::enter(const std::vector<ForeignFlow>& flows, Maps& maps) {
  TableOf<fl_foreign_key, bool> wanted;
  for (const ForeignFlow& flow : flows)
    if (flow.protocol == Protocol::kUdp) wanted[foreign_key(flow)] = true;
  TRY(const auto have, maps.foreign_flows.read());
  for (const auto& [key, value] : have)
    if (!wanted.contains(key)) TRY_VOID(maps.foreign_flows.erase({&key, 1}));
  maps.config().foreign_sockets = wanted.empty() ? 0 : 1;
  for (const auto& [key, yes] : wanted)
    // Those that do not fit are taken over by a socket that asks again.
    TRY_VOID(maps.foreign_flows.update(key, 1));
  return {};
}

Result<> Neighbours::look(Maps& maps, const Services& services, bool is_takeover, Chores& chores) {
  fl_config& config = maps.config();
  const auto keep_ours = [&](std::vector<ForeignFlow>& flows) {
    std::erase_if(flows, [&](const ForeignFlow& flow) {
      return !services.is_frontend(flow.destination, flow.destination_port, flow.protocol);
    });
  };
  const auto now = std::chrono::steady_clock::now();
  if (is_takeover) {
    // More may begin there until the programs are at their places: it is asked for a while.
    config.neighbour_conntrack = 1;
    due_ = now + kSeldom;
    TRY(auto flows, list_foreign_flows(kUdp));
    keep_ours(flows);
    return enter(flows, maps);
  }
  if (config.neighbour_conntrack == 0) return {};
  if (listing_ != nullptr) {
    std::unique_lock lock(listing_->mutex);
    if (!listing_->done) return {};
    Flows done = *std::move(listing_->done);
    lock.unlock();
    listing_.reset();
    TRY(auto flows, std::move(done));
    keep_ours(flows);
    config.neighbour_conntrack = flows.empty() ? 0 : 1;
    return enter(flows, maps);
  }
  if (now < due_) return {};
  due_ = now + kSeldom;
  listing_ = std::make_shared<Listing>();
  chores.add([listing = listing_] {
    Flows flows = list_foreign_flows(kAll);
    const std::lock_guard lock(listing->mutex);
    listing->done = std::move(flows);
  });
  return {};
}

}  // namespace fairlead::ebpf
