// Plan -> objects -> `fairlead controlplane` -> kube-proxy -> kernel; then the kernel is asked.
#include "bench/ways/kube_proxy_way.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "bench/ways/api_writer.hpp"
#include "bench/ways/command.hpp"
#include "bench/ways/kube_objects.hpp"
#include "bench/ways/kube_proxy_rules.hpp"
#include "bench/ways/peer_service.hpp"
#include "bench/ways/process.hpp"

namespace fairlead::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBetweenLooks{2};
constexpr std::chrono::seconds kControlPlanePatience{30};
constexpr std::chrono::minutes kRulesPatience{30};  // 192 s were seen with iptables-nft

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class KubeProxyWay : public Way {
 public:
  KubeProxyWay(Place place, WaysOptions options)
      : directory_(std::filesystem::path(place.scratch) / "kube-proxy"),
        options_(std::move(options)) {}
  ~KubeProxyWay() override { stop(); }
  KubeProxyWay(const KubeProxyWay&) = delete;
  KubeProxyWay& operator=(const KubeProxyWay&) = delete;

  [[nodiscard]] std::string name() const override { return "kube-proxy " + options_.kube_proxy; }
  [[nodiscard]] std::optional<std::string> missing() const override;
  Result<Cost> install(const Plan& plan) override;
  Result<Cost> change(const Plan& plan, const ObjectName& service) override;
  Result<> remove() override {
    stop();
    return {};
  }

 private:
  using Condition = std::function<Result<bool>()>;

  void stop();
  Result<> start_control_plane(const Plan& plan);
  Result<> write_objects(const Plan& plan);
  Result<> start_kube_proxy(const Plan& plan);
  /// Until it is true, both processes are gone, or patience is at its end.
  Result<> wait_for(const std::string& what, std::chrono::seconds patience, const Condition& done);
  Result<> wait_for_rules(const ServicePlans& wanted, const ServicePlans& before);
  /// The CPU time of kube-proxy, once its tools have ended.
  Result<double> settled_cpu_seconds();
  [[nodiscard]] std::string path(std::string_view name) const { return directory_ / name; }

  std::filesystem::path directory_;
  WaysOptions options_;
  EndpointsApi api_ = EndpointsApi::kSlices;
  std::optional<Process> control_plane_, kube_proxy_;
  std::optional<ApiWriter> writer_;
  const Plan* plan_ = nullptr;
  std::map<ObjectName, ServicePlans> changed_;          // since plan_
  std::map<ObjectName, std::set<std::string>> slices_;  // that the API server has beside plan_'s
};

std::optional<std::string> KubeProxyWay::missing() const {
  if (::geteuid() != 0) return "needs root";
  for (const std::string& program : {options_.kube_proxy, options_.control_plane})
    if (::access(program.c_str(), X_OK) != 0)
      return fmt::format("'{}' is no program that can be run", program);
  if (const auto tool = tool_for_rules(options_.kube_proxy_mode); !tool)
    return tool.error().doing;
  else if (!find_program(*tool))
    return *tool + " is not installed";
  if (const auto version = minor_version(options_.kube_proxy); !version)
    return version.error().doing;
  return std::nullopt;
}

void KubeProxyWay::stop() {
  writer_.reset();
  kube_proxy_.reset();
  control_plane_.reset();
  std::error_code ignored;  // a directory that stays is in the caller's scratch
  std::filesystem::remove_all(directory_, ignored);
}

Result<> KubeProxyWay::wait_for(const std::string& what, std::chrono::seconds patience,
                                const Condition& done) {
  for (const auto start = Clock::now(); Clock::now() - start < patience;) {
    TRY(const bool is_done, done());
    if (is_done) return {};
    if (control_plane_)
      if (auto runs = control_plane_->check_running(); !runs)
        return prefix("fairlead controlplane", std::move(runs).error());
    if (kube_proxy_)
      if (auto runs = kube_proxy_->check_running(); !runs)
        return prefix(options_.kube_proxy, std::move(runs).error());
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return invalid(fmt::format("{}: not within {} s", what, patience.count()));
}

Result<> KubeProxyWay::start_control_plane(const Plan& plan) {
  std::error_code failed;
  std::filesystem::create_directories(directory_, failed);
  if (failed) return failure(failed, "make " + directory_.string());
  const std::vector<std::string> command{options_.control_plane,
                                         "controlplane",
                                         "--data-dir",
                                         path("data"),
                                         "--listen",
                                         "127.0.0.1:0",
                                         "--service-cidr",
                                         kube_service_ranges(plan),
                                         "--node-port-range",
                                         "1-65535"};
  TRY(control_plane_, Process::start(command, path("controlplane.log")));
  TRY_VOID(wait_for("start of the control plane", kControlPlanePatience, [&]() -> Result<bool> {
    return std::filesystem::exists(path("data/admin.kubeconfig"));
  }));
  TRY(writer_, ApiWriter::open(path("data/admin.kubeconfig")));
  return {};
}

Result<> KubeProxyWay::write_objects(const Plan& plan) {
  TRY_VOID(writer_->create(kube_places(plan)));
  std::vector<ApiObject> objects;
  for (const auto& [name, plans] : plan.services) {
    if (plans.empty()) continue;
    objects.push_back(kube_service(plans));
    for (ApiObject& endpoints : kube_endpoints(plans, api_))
      objects.push_back(std::move(endpoints));
  }
  return writer_->create(objects);
}

Result<> KubeProxyWay::start_kube_proxy(const Plan& plan) {
  std::vector<std::string> command{options_.kube_proxy,
                                   "--kubeconfig",
                                   path("data/admin.kubeconfig"),
                                   "--proxy-mode",
                                   options_.kube_proxy_mode,
                                   "--hostname-override",
                                   kNodeName,
                                   "--conntrack-max-per-core",
                                   "0",  // belongs to the host, not to the namespace
                                   "--healthz-bind-address",
                                   "127.0.0.1:10256",
                                   "--metrics-bind-address",
                                   "127.0.0.1:10249"};
  for (std::string& argument : detection_arguments(plan)) command.push_back(std::move(argument));
  if (api_ == EndpointsApi::kEndpoints)
    command.insert(command.end(), {"--feature-gates", "EndpointSliceProxying=false"});
  TRY(kube_proxy_, Process::start(command, path("kube-proxy.log")));
  return {};
}

Result<> KubeProxyWay::wait_for_rules(const ServicePlans& wanted, const ServicePlans& before) {
  return wait_for("rules of " + to_string(wanted.front().name.service), kRulesPatience,
                  [&] { return rules_are_there(options_.kube_proxy_mode, wanted, before); });
}

Result<double> KubeProxyWay::settled_cpu_seconds() {
  TRY_VOID(wait_for("end of kube-proxy's tools", kRulesPatience,
                    [&]() -> Result<bool> { return !kube_proxy_->has_children(); }));
  return kube_proxy_->cpu_seconds();
}

Result<Cost> KubeProxyWay::install(const Plan& plan) {
  stop();
  plan_ = &plan;
  changed_.clear();
  TRY(const int version, minor_version(options_.kube_proxy));
  api_ = version < 22 ? EndpointsApi::kEndpoints : EndpointsApi::kSlices;
  const ServicePlans* last = nullptr;
  for (const auto& [name, plans] : plan.services)
    if (!plans.empty()) last = &plans;
  if (last == nullptr) return invalid("kube-proxy: there is no Service to wait for");
  TRY_VOID(start_control_plane(plan));
  TRY_VOID(write_objects(plan));
  const auto start = Clock::now();
  TRY_VOID(start_kube_proxy(plan));
  TRY_VOID(wait_for_rules(*last, {}));
  const double seconds = seconds_since(start);
  TRY(const double cpu_seconds, settled_cpu_seconds());
  return Cost{seconds, cpu_seconds};
}

Result<Cost> KubeProxyWay::change(const Plan& plan, const ObjectName& service) {
  if (!kube_proxy_) return invalid(name() + ": changed before it was installed");
  const auto found = plan.services.find(service);
  const auto known = plan_->services.find(service);
  if (found == plan.services.end() || found->second.empty() || known == plan_->services.end())
    return invalid(to_string(service) + ": only its endpoints can change");
  const ServicePlans& before = changed_.contains(service) ? changed_[service] : known->second;
  const auto same_name = [](const ApiObject& a) { return a.name; };
  std::set<std::string> had = slices_[service];
  for (const ApiObject& object : kube_endpoints(known->second, api_)) had.insert(object.name);
  std::vector<ApiObject> updated, created;
  for (ApiObject& object : kube_endpoints(found->second, api_)) {
    auto& to = had.contains(object.name) ? updated : created;
    slices_[service].insert(same_name(object));
    to.push_back(std::move(object));
  }
  // A slice that is there no more has no endpoints any more.
  for (ApiObject& old : kube_endpoints(before, api_))
    if (std::ranges::find(updated, old.name, same_name) == updated.end()) {
      old.body["endpoints"] = boost::json::array();
      updated.push_back(std::move(old));
    }
  TRY(const double cpu_before, settled_cpu_seconds());
  const auto start = Clock::now();
  TRY_VOID(writer_->create(created));
  TRY_VOID(writer_->update(updated));
  TRY_VOID(wait_for_rules(found->second, before));
  const double seconds = seconds_since(start);
  TRY(const double cpu_after, settled_cpu_seconds());
  changed_[service] = found->second;
  return Cost{seconds, cpu_after - cpu_before};
}

}  // namespace

std::unique_ptr<Way> make_kube_proxy_way(const Place& place, const WaysOptions& options) {
  return std::make_unique<KubeProxyWay>(place, options);
}

}  // namespace fairlead::bench
