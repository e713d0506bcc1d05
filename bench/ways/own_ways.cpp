// Plan -> Datapath::resync; the Service that changes -> Datapath::apply. As an agent does it, with
// the planning left out.
#include "bench/ways/own_ways.hpp"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <utility>

#include "bench/ways/pinned_memory.hpp"
#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/nftables/datapath.hpp"

namespace fairlead::bench {
namespace {

using Open = std::function<Result<std::unique_ptr<Datapath>>(const Report&)>;

class Direct : public Way {
 public:
  explicit Direct(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] bool is_direct() const override { return true; }
  [[nodiscard]] std::optional<std::string> missing() const override { return std::nullopt; }
  Result<Cost> install(const Plan&) override { return Cost{}; }
  Result<Cost> change(const Plan&, const ObjectName&) override { return Cost{}; }

 private:
  std::string name_;
};

/// To the nanosecond, where getrusage() knows of a running thread what it had at the last tick.
double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// A sync happens wholly in the thread that asks for it.
template <class Sync>
Result<Cost> timed(Sync sync) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu_before = thread_cpu_seconds();
  TRY_VOID(sync());
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  return Cost{wall.count(), thread_cpu_seconds() - cpu_before};
}

class OwnWay : public Way {
 public:
  /// `pin_directory`: empty where nothing is pinned.
  OwnWay(std::string name, std::string pin_directory, Report report, Open open)
      : name_(std::move(name)),
        pin_directory_(std::move(pin_directory)),
        report_(std::move(report)),
        open_(std::move(open)) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::optional<std::string> missing() const override;
  Result<Cost> install(const Plan& plan) override;
  Result<Cost> change(const Plan& plan, const ObjectName& service) override;
  [[nodiscard]] std::optional<std::uint64_t> kernel_bytes() const override;
  Result<> remove() override;

 private:
  Result<> open();

  std::string name_, pin_directory_;
  Report report_;
  Open open_;
  std::unique_ptr<Datapath> datapath_;  // null before install()
};

std::optional<std::string> OwnWay::missing() const {
  if (::geteuid() != 0) return "needs root";
  const auto opened = open_([](const Error&) {});
  if (opened) return std::nullopt;
  return opened.error().doing;
}

Result<> OwnWay::open() {
  if (datapath_) return {};
  TRY(datapath_, open_(report_));
  return {};
}

Result<Cost> OwnWay::install(const Plan& plan) {
  return timed([&]() -> Result<SyncReport> {
    TRY_VOID(open());
    return datapath_->resync(plan);
  });
}

Result<Cost> OwnWay::change(const Plan& plan, const ObjectName& service) {
  if (!datapath_) return invalid(name_ + ": changed before it was installed");
  static const ServicePlans kNothing;
  const auto found = plan.services.find(service);
  const ServiceChange change{service, found == plan.services.end() ? &kNothing : &found->second};
  return timed([&] { return datapath_->apply({&change, 1}); });
}

std::optional<std::uint64_t> OwnWay::kernel_bytes() const {
  if (pin_directory_.empty() || !datapath_) return std::nullopt;
  const auto bytes = bytes_of_pinned_maps(pin_directory_);
  if (bytes) return *bytes;
  report_(bytes.error());
  return std::nullopt;
}

Result<> OwnWay::remove() {
  TRY_VOID(open());
  TRY_VOID(datapath_->cleanup());
  datapath_.reset();
  return {};
}

}  // namespace

std::unique_ptr<Way> make_direct_way(std::string name) {
  return std::make_unique<Direct>(std::move(name));
}

std::unique_ptr<Way> make_ebpf_way(const Place& place, Report report) {
  const Open open = [place](const Report& to) -> Result<std::unique_ptr<Datapath>> {
    ebpf::Options options;
    options.pin_directory = place.pin_directory;
    options.cgroup = place.cgroup;
    options.report = to;
    return ebpf::make_datapath(std::move(options));
  };
  return std::make_unique<OwnWay>("ebpf", place.pin_directory, std::move(report), open);
}

std::unique_ptr<Way> make_nftables_way(Report report) {
  const Open open = [](const Report& to) { return nftables::make_datapath({.report = to}); };
  return std::make_unique<OwnWay>("nftables", "", std::move(report), open);
}

}  // namespace fairlead::bench
