// Plan -> text -> tool; for a change, the Service as it was and as it is.
#include "bench/ways/tool_ways.hpp"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "bench/ways/command.hpp"
#include "bench/ways/iptables_layout.hpp"
#include "bench/ways/nftables_layout.hpp"
#include "bench/ways/peer_service.hpp"

namespace fairlead::bench {
namespace {

/// How a peer lays out its rules, and with which tools.
class Layout {
 public:
  virtual ~Layout() = default;
  [[nodiscard]] virtual std::vector<std::string> tools() const = 0;
  virtual std::vector<Step> load(const Plan& plan) = 0;
  virtual std::vector<Step> change(const Plan& plan, const ObjectName& service,
                                   const ServicePlans& before) = 0;
};

const ServicePlans& plans_of(const Plan& plan, const ObjectName& service) {
  static const ServicePlans kNothing;
  const auto found = plan.services.find(service);
  return found == plan.services.end() ? kNothing : found->second;
}

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

/// Has what each kind of rule needs.
Plan trial_plan() {
  Plan plan;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const bool is_v4 = family == Family::kIpv4;
    const auto ip = [&](const char* v4, const char* v6) {
      return parse_ip(is_v4 ? v4 : v6).value();
    };
    constexpr Verdict kPods{Action::kForward, BackendGroup::kCluster, false};
    constexpr Verdict kOthers{Action::kForward, BackendGroup::kCluster, true};
    plan.node.node_port_addresses.push_back(ip("198.18.0.1", "fd18::1"));
    plan.node.detect_local.mode = DetectLocal::Mode::kCidr;
    plan.node.detect_local.cidrs.push_back(
        parse_cidr(is_v4 ? "10.244.0.0/16" : "fd00:244::/32").value());
    ServicePlan service;
    service.name = {{"bench", "trial"}, "", Protocol::kTcp, family};
    service.frontends = {
        {FrontendKind::kClusterIp,
         ip("10.96.0.1", "fd00:96::1"),
         {80},
         {kPods, kOthers, kOthers},
         {}},
        {FrontendKind::kNodePort, any_address(family), {30080}, {kOthers, kOthers, kOthers}, {}}};
    service.cluster_backends = {{ip("10.244.0.1", "fd00:244::1"), {8080}, true},
                                {ip("10.244.0.2", "fd00:244::2"), {8080}}};
    service.local_backends = {service.cluster_backends.front()};
    plan.services[service.name.service].push_back(std::move(service));
  }
  return plan;
}

/// Calls `body` on a thread in a network namespace that is gone when it returns.
template <class Body>
Result<> in_new_namespace(Body body) {
  Result<> result;
  std::thread([&] {
    result =
        ::unshare(CLONE_NEWNET) == 0 ? body() : Result<>(system_error(errno, "make a namespace"));
  }).join();
  return result;
}

class ToolWay : public Way {
 public:
  ToolWay(std::string name, std::unique_ptr<Layout> layout)
      : name_(std::move(name)), layout_(std::move(layout)) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::optional<std::string> missing() const override;
  Result<Cost> install(const Plan& plan) override;
  Result<Cost> change(const Plan& plan, const ObjectName& service) override;

 private:
  std::string name_;
  std::unique_ptr<Layout> layout_;
  const Plan* plan_ = nullptr;
  std::map<ObjectName, ServicePlans> changed_;  // since plan_
};

std::optional<std::string> ToolWay::missing() const {
  if (::geteuid() != 0) return "needs root";
  for (const std::string& tool : layout_->tools())
    if (!find_program(tool)) return tool + " is not installed";
  // Tried where nobody sees it: that says all that the kernel may lack.
  const auto tried = in_new_namespace([&]() -> Result<> {
    TRY_VOID(run_steps(layout_->load(trial_plan())));
    return {};
  });
  if (tried) return std::nullopt;
  return tried.error().doing;
}

Result<Cost> ToolWay::install(const Plan& plan) {
  changed_.clear();
  plan_ = &plan;
  return run_steps(layout_->load(plan));
}

Result<Cost> ToolWay::change(const Plan& plan, const ObjectName& service) {
  if (plan_ == nullptr) return invalid(name_ + ": changed before it was installed");
  const auto changed = changed_.find(service);
  const ServicePlans& before =
      changed == changed_.end() ? plans_of(*plan_, service) : changed->second;
  TRY(const Cost cost, run_steps(layout_->change(plan, service, before)));
  changed_[service] = plans_of(plan, service);
  return cost;
}

}  // namespace

std::unique_ptr<Way> make_iptables_legacy_way() {
  return std::make_unique<ToolWay>("kube-proxy iptables-legacy",
                                   std::make_unique<Iptables>("legacy"));
}
std::unique_ptr<Way> make_iptables_nft_way() {
  return std::make_unique<ToolWay>("kube-proxy iptables-nft", std::make_unique<Iptables>("nft"));
}
std::unique_ptr<Way> make_nftables_135_way() {
  return std::make_unique<ToolWay>("kube-proxy nftables 1.35",
                                   std::make_unique<Nftables>(NftablesLayout::kChainPerEndpoint));
}
std::unique_ptr<Way> make_nftables_136_way() {
  return std::make_unique<ToolWay>("kube-proxy nftables 1.36",
                                   std::make_unique<Nftables>(NftablesLayout::kRulePerService));
}

}  // namespace fairlead::bench
