// Plan -> text -> tool; for a change, the Service as it was and as it is.
#include "bench/ways/tool_ways.hpp"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <thread>
#include <utility>

#include "bench/ways/command.hpp"
#include "bench/ways/layout.hpp"

namespace fairlead::bench {
namespace {

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
  return std::make_unique<ToolWay>("kube-proxy iptables-legacy", make_iptables_layout("legacy"));
}
std::unique_ptr<Way> make_iptables_nft_way() {
  return std::make_unique<ToolWay>("kube-proxy iptables-nft", make_iptables_layout("nft"));
}
std::unique_ptr<Way> make_nftables_135_way() {
  return std::make_unique<ToolWay>("kube-proxy nftables 1.35",
                                   make_nftables_layout(NftablesLayout::kChainPerEndpoint));
}
std::unique_ptr<Way> make_nftables_136_way() {
  return std::make_unique<ToolWay>("kube-proxy nftables 1.36",
                                   make_nftables_layout(NftablesLayout::kRulePerService));
}
std::unique_ptr<Way> make_ipvs_way() {
  return std::make_unique<ToolWay>("kube-proxy ipvs", make_ipvs_layout());
}

}  // namespace fairlead::bench
