// apply: own Node's address -> its link -> overlay (compiled) -> kernel; overlay -> rules ->
// kernel. The filter is there before the device, and goes after it.
#include "dataplane/podnet/network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/netlink.h>

#include <algorithm>
#include <utility>

#include "dataplane/kernel/nft_monitor.hpp"
#include "dataplane/kernel/wake_set.hpp"
#include "dataplane/podnet/overlay_kernel.hpp"
#include "dataplane/podnet/overlay_monitor.hpp"
#include "dataplane/podnet/rules_kernel.hpp"

namespace fairlead::podnet {
namespace {

class KernelNetwork final : public Network {
 public:
  struct Parts {
    NetlinkSocket routes;
    RulesTable rules;
    OverlayMonitor overlay_monitor;
    nft::Monitor rules_monitor;
    WakeSet wake;
  };
  explicit KernelNetwork(Parts parts) : parts_(std::move(parts)) {}

  Result<NetworkReport> apply(const NetworkPlan& plan) override;
  [[nodiscard]] int monitor_fd() const override { return parts_.wake.fd(); }
  Result<bool> foreign_change() override;
  Result<> clean_up() override;

 private:
  Result<Underlay> underlay_of(const NetworkPlan& plan);
  Result<> apply_overlay(const Overlay& want, NetworkReport& report);

  Parts parts_;
};

Result<Underlay> KernelNetwork::underlay_of(const NetworkPlan& plan) {
  const auto address = underlay_address(plan.nodes, plan.own_node, plan.overlay);
  if (!address || plan.overlay.mode == Mode::kNone) return Underlay{};
  return find_underlay(parts_.routes, *address);
}

Result<> KernelNetwork::apply_overlay(const Overlay& want, NetworkReport& report) {
  TRY(auto have, read_overlay(parts_.routes, want));
  parts_.overlay_monitor.watch_foreign_routes(!have.foreign.empty());
  TRY(OverlayReport done, write_overlay(parts_.routes, std::move(have), want));
  report.added = done.added;
  report.removed = done.removed;
  report.device_made = done.device_made;
  report.settings = std::move(done.settings);
  std::ranges::move(done.problems, std::back_inserter(report.problems));
  return {};
}

Result<NetworkReport> KernelNetwork::apply(const NetworkPlan& plan) {
  TRY(const Underlay underlay, underlay_of(plan));
  const Overlay overlay =
      compile_overlay(plan.nodes, plan.own_node, plan.own_pod_cidrs, underlay, plan.overlay);
  // What could not be compiled for this node takes nothing away.
  if (plan.overlay.mode == Mode::kVxlan && !overlay.device)
    return invalid(fmt::format("make {}: {}", kVxlanName, fmt::join(overlay.problems, "; ")));
  const Rules rules = rules_of(overlay, plan.masquerade);
  NetworkReport report;
  report.problems = overlay.problems;
  Result<> device_gone;
  if (!overlay.device) device_gone = apply_overlay(overlay, report);
  TRY(report.rules_written, parts_.rules.apply(rules));
  if (!device_gone) return tl::unexpected(std::move(device_gone).error());
  if (overlay.device) TRY_VOID(apply_overlay(overlay, report));
  report.device = overlay.device;
  report.forwarding = overlay.forwarding;
  return report;
}

Result<bool> KernelNetwork::foreign_change() {
  TRY(const bool overlay, parts_.overlay_monitor.changed());
  TRY(const bool rules, parts_.rules_monitor.changed());
  return overlay || rules;
}

Result<> KernelNetwork::clean_up() {
  TRY_VOID(remove_overlay(parts_.routes));
  return parts_.rules.remove();
}

}  // namespace

Result<std::unique_ptr<Network>> open_network() {
  TRY(auto routes, NetlinkSocket::open(NETLINK_ROUTE));
  TRY(auto rules, RulesTable::open());
  TRY(auto overlay_monitor, OverlayMonitor::open(routes));
  TRY(auto rules_monitor, nft::Monitor::open(kPodsTable, rules.socket()));
  TRY(auto wake, WakeSet::make());
  TRY_VOID(wake.add(overlay_monitor.fd()));
  TRY_VOID(wake.add(rules_monitor.fd()));
  return std::make_unique<KernelNetwork>(
      KernelNetwork::Parts{std::move(routes), std::move(rules), std::move(overlay_monitor),
                           std::move(rules_monitor), std::move(wake)});
}

}  // namespace fairlead::podnet
