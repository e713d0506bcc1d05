// Plan -> text -> tool; for a change, the Service as it was and as it is.
#include "bench/ways/tool_ways.hpp"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <thread>
#include <utility>

#include "bench/ways/command.hpp"
#include "bench/ways/iptables_layout.hpp"
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
    const auto now = plan.services.find(service);
    const ServicePlans after = now == plan.services.end() ? ServicePlans{} : now->second;
    for (const Family family : families_of(before, after))
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
  const auto plans_in = [&](const auto& services) -> const ServicePlans* {
    const auto found = services.find(service);
    return found == services.end() ? nullptr : &found->second;
  };
  static const ServicePlans kNothing;
  const ServicePlans* before = plans_in(changed_);
  if (before == nullptr) before = plans_in(plan_->services);
  if (before == nullptr) before = &kNothing;
  TRY(const Cost cost, run_steps(layout_->change(plan, service, *before)));
  const ServicePlans* after = plans_in(plan.services);
  changed_[service] = after == nullptr ? kNothing : *after;
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

}  // namespace fairlead::bench
