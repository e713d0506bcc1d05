// Name -> datapath, with the defaults that an agent has.
#include "bench/support/datapaths.hpp"

#include <fmt/format.h>

#include "bench/support/measure.hpp"
#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/nftables/datapath.hpp"

namespace fairlead::bench {
namespace {

void report(const Error& error) { fail(error.doing); }

Result<std::unique_ptr<Datapath>> try_make(const DatapathChoice& choice) {
  if (choice.name == "nftables") return nftables::make_datapath({.report = &report});
  if (choice.name != "ebpf") return invalid(fmt::format("'{}' is no datapath", choice.name));
  ebpf::Options options;
  options.pin_directory = choice.pin_directory;
  options.cgroup = choice.cgroup;
  options.xdp = choice.xdp ? ebpf::XdpMode::kNative : ebpf::XdpMode::kOff;
  options.report = &report;
  return ebpf::make_datapath(std::move(options));
}

}  // namespace

std::unique_ptr<Datapath> make_datapath(const DatapathChoice& choice) {
  auto made = try_make(choice);
  if (!made) fail(made.error().doing);
  return *std::move(made);
}

}  // namespace fairlead::bench
