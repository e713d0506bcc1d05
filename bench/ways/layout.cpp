// Plan -> texts -> the commands that read them, for each peer.
#include "bench/ways/layout.hpp"

#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "bench/ways/iptables_layout.hpp"
#include "bench/ways/ipvs_layout.hpp"
#include "bench/ways/peer_service.hpp"

namespace fairlead::bench {
namespace {

class Iptables : public Layout {
 public:
  explicit Iptables(std::string kind) : kind_(std::move(kind)) {}

  [[nodiscard]] std::vector<std::string> tools() const override {
    return {tool(Family::kIpv4), tool(Family::kIpv6)};
  }
  std::vector<Step> load(const Plan& plan) override {
    std::vector<Step> steps;
    for (const Family family : families_of(plan))
      steps.push_back(restore(family, iptables_load(plan, family)));
    return steps;
  }
  std::vector<Step> change(const Plan& plan, const ObjectName& service,
                           const ServicePlans& before) override {
    std::vector<Step> steps;
    for (const Family family : families_of(before, plans_of(plan, service)))
      steps.push_back(restore(family, iptables_change(plan, service, before, family)));
    return steps;
  }

 private:
  [[nodiscard]] std::string tool(Family family) const {
    return (family == Family::kIpv4 ? "iptables-" : "ip6tables-") + kind_ + "-restore";
  }
  [[nodiscard]] Step restore(Family family, std::string text) const {
    return {{tool(family), "-w", "5", "--noflush", "--counters"}, std::move(text)};
  }

  std::string kind_;  // "legacy" or "nft"
};

class Nftables : public Layout {
 public:
  explicit Nftables(NftablesLayout layout) : layout_(layout) {}

  [[nodiscard]] std::vector<std::string> tools() const override { return {"nft"}; }
  std::vector<Step> load(const Plan& plan) override {
    stale_.clear();
    std::vector<Step> steps;
    for (const Family family : families_of(plan))
      steps.push_back(transaction(nftables_load(layout_, plan, family)));
    return steps;
  }
  std::vector<Step> change(const Plan& plan, const ObjectName& service,
                           const ServicePlans& before) override {
    std::vector<Step> steps;
    const Clock::time_point now = Clock::now();
    for (const Family family : families_of(before, plans_of(plan, service))) {
      const auto old = take_old_chains(family, now);
      if (!old.empty()) steps.push_back(transaction(nftables_delete_chains(old, family)));
      const NftablesChange change = nftables_change(layout_, plan, service, before, family);
      for (const std::string& chain : change.chains) stale_.erase({family, chain});
      for (const std::string& chain : change.stale_chains) stale_[{family, chain}] = now;
      steps.push_back(transaction(change.transaction));
    }
    return steps;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Those that nothing has led to for a second.
  std::vector<std::string> take_old_chains(Family family, Clock::time_point now) {
    std::vector<std::string> old;
    for (auto at = stale_.begin(); at != stale_.end();) {
      const bool is_old = at->first.first == family && at->second + std::chrono::seconds(1) < now;
      if (is_old) old.push_back(at->first.second);
      at = is_old ? stale_.erase(at) : std::next(at);
    }
    return old;
  }
  [[nodiscard]] static Step transaction(std::string text) {
    return {{"nft", "-f", "-"}, std::move(text)};
  }

  NftablesLayout layout_;
  std::map<std::pair<Family, std::string>, Clock::time_point> stale_;
};

class Ipvs : public Layout {
 public:
  [[nodiscard]] std::vector<std::string> tools() const override {
    return {"ipvsadm", "ipset", "iptables-restore", "ip6tables-restore", "ip", "sysctl"};
  }
  std::vector<Step> load(const Plan& plan) override {
    draining_.clear();
    std::vector<Step> steps{
        {{"ipvsadm", "-C"}},  // loads the module, which brings the settings
        {{"sysctl", "-qw", "net.ipv4.vs.conntrack=1", "net.ipv4.vs.expire_nodest_conn=1",
          "net.ipv4.vs.expire_quiescent_template=1"}},
        {{"ip", "link", "add", "kube-ipvs0", "type", "dummy"}}};
    for (const Family family : families_of(plan)) {
      steps.push_back({{"ipset", "restore"}, ipvs_sets(plan, family)});
      steps.push_back(restore(family, ipvs_rules(plan, family, true)));
      steps.push_back({{"ip", "-batch", "-"}, ipvs_addresses(plan, family)});
      steps.push_back({{"ipvsadm", "-R"}, ipvs_servers(plan, family)});
    }
    return steps;
  }
  std::vector<Step> change(const Plan& plan, const ObjectName& service,
                           const ServicePlans& before) override {
    std::vector<Step> steps;
    const ServicePlans& after = plans_of(plan, service);
    for (const Family family : families_of(before, after)) {
      IpvsChange change = ipvs_change(plan.node, before, after, family, draining_);
      if (!change.sets.empty())
        steps.push_back({{"ipset", "-exist", "restore"}, std::move(change.sets)});
      steps.push_back(restore(family, ipvs_rules(plan, family, false)));
      steps.push_back({{"ipvsadm", "-R"}, std::move(change.servers)});
    }
    return steps;
  }

 private:
  [[nodiscard]] static Step restore(Family family, std::string text) {
    return {{family == Family::kIpv4 ? "iptables-restore" : "ip6tables-restore", "-w", "5",
             "--noflush", "--counters"},
            std::move(text)};
  }

  std::set<std::string> draining_;
};

}  // namespace

const ServicePlans& plans_of(const Plan& plan, const ObjectName& service) {
  static const ServicePlans kNothing;
  const auto found = plan.services.find(service);
  return found == plan.services.end() ? kNothing : found->second;
}

std::unique_ptr<Layout> make_iptables_layout(std::string kind) {
  return std::make_unique<Iptables>(std::move(kind));
}
std::unique_ptr<Layout> make_nftables_layout(NftablesLayout layout) {
  return std::make_unique<Nftables>(layout);
}
std::unique_ptr<Layout> make_ipvs_layout() { return std::make_unique<Ipvs>(); }

}  // namespace fairlead::bench
