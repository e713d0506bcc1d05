// clean() -> waiting_ -> run(): list the entries of a family and protocol, keep the stale ones,
// delete each.
//
// What is stale of UDP (as kube-proxy, pkg/proxy/conntrack/cleanup.go): an entry to a target that
// is answered by none of those who serve it. That includes entries that were never translated,
// because they were made before the Service was programmed. Of TCP and SCTP only the latter are,
// and only while nobody has answered: what is established is never touched.
#include "dataplane/kernel/flow_cleaner.hpp"

#include <linux/netlink.h>

#include <algorithm>

#include "dataplane/kernel/addresses.hpp"

namespace fairlead {
namespace {

bool is_stale(const ConntrackEntry& entry, const FlowTargets& targets,
              const std::vector<Ip>& node_addresses) {
  auto target = targets.find({entry.protocol, entry.destination, entry.destination_port});
  if (target == targets.end()) {
    target = targets.find(
        {entry.protocol, any_address(entry.destination.family()), entry.destination_port});
    if (target == targets.end() || !std::ranges::binary_search(node_addresses, entry.destination))
      return false;
  }
  if (entry.protocol != Protocol::kUdp) return true;  // it was listed as kUntouched
  return !std::ranges::binary_search(target->second, entry.reply_source);
}

}  // namespace

FlowCleaner::FlowCleaner(NetlinkSocket socket, std::function<void(const Error&)> report)
    : socket_(std::move(socket)), report_(std::move(report)) {}

Result<std::unique_ptr<FlowCleaner>> FlowCleaner::start(std::function<void(const Error&)> report) {
  TRY(auto socket, NetlinkSocket::open(NETLINK_NETFILTER));
  std::unique_ptr<FlowCleaner> cleaner(new FlowCleaner(std::move(socket), std::move(report)));
  // A new thread is in the network namespace of the one that starts it.
  cleaner->thread_ =
      std::jthread([self = cleaner.get()](const std::stop_token& stop) { self->run(stop); });
  return cleaner;
}

FlowCleaner::~FlowCleaner() = default;

void FlowCleaner::clean(FlowWork work) {
  if (work.targets.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_) waiting_.emplace();
    // Much may be waiting: it is not touched.
    for (auto& [target, serving] : work.targets) waiting_->targets[target] = std::move(serving);
    waiting_->node_addresses_v4 = std::move(work.node_addresses_v4);
    waiting_->node_addresses_v6 = std::move(work.node_addresses_v6);
  }
  wake_.notify_one();
}

void FlowCleaner::run(const std::stop_token& stop) {
  while (true) {
    std::optional<FlowWork> work;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [&] { return waiting_.has_value(); })) return;
      work = std::exchange(waiting_, std::nullopt);
    }
    for (const Family family : {Family::kIpv4, Family::kIpv6})
      for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp})
        if (auto outcome = clean_part(stop, family, protocol, *work); !outcome)
          report_(outcome.error());
  }
}

Result<> FlowCleaner::clean_part(const std::stop_token& stop, Family family, Protocol protocol,
                                 const FlowWork& work) {
  const bool concerned = std::ranges::any_of(work.targets, [&](const auto& target) {
    return target.first.protocol == protocol && target.first.address.family() == family;
  });
  if (!concerned) return {};
  auto node_addresses = family == Family::kIpv4 ? work.node_addresses_v4 : work.node_addresses_v6;
  if (!node_addresses) {
    TRY(node_addresses, read_local_addresses());
  }
  std::vector<ConntrackEntry> stale;
  const auto selection =
      protocol == Protocol::kUdp ? ConntrackSelection::kAll : ConntrackSelection::kUntouched;
  TRY_VOID(list_conntrack(socket_, family, protocol, selection, [&](const ConntrackEntry& entry) {
    if (is_stale(entry, work.targets, *node_addresses)) stale.push_back(entry);
  }));
  for (const ConntrackEntry& entry : stale) {
    if (stop.stop_requested()) return {};
    TRY_VOID(delete_conntrack(socket_, entry));
  }
  return {};
}

}  // namespace fairlead
