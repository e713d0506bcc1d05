// What the host's stack is told where it forwards packets that we have translated: one that is
// masqueraded, and a NodePort's reply, have an address of the node as their source, and IPv4 takes
// what comes in from a link with such a source for a martian. IPv6 does not look.
#include "dataplane/ebpf/stack.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dataplane/ebpf/datapath.hpp"
#include "dataplane/ebpf/interfaces.hpp"
#include "dataplane/kernel/network_links.hpp"
#include "dataplane/kernel/sysctl.hpp"

namespace fairlead::ebpf {
namespace {

constexpr const char* kAcceptLocal = "net.ipv4.conf.all.accept_local";

/// Interfaces whose reverse path filter is strict: nothing makes it accept an address of the node
/// that is another interface's.
Result<std::vector<std::string>> strict_interfaces(const Options& options) {
  const auto filter_of = [](const std::string& interface) {
    return read_sysctl("net/ipv4/conf/" + interface + "/rp_filter").value_or("0");
  };
  const std::string all = filter_of("all");
  std::vector<std::string> strict;
  TRY(const auto links, read_network_links());
  for (const NetworkLink& link : links)
    if (!is_skipped(link.name, options.skip_interfaces) &&
        std::max(all, filter_of(link.name)) == "1")
      strict.push_back(link.name);
  return strict;
}

}  // namespace

Result<> accept_own_sources(const Options& options) {
  if (!options.forward_by_stack) return {};
  TRY(const std::string before, read_sysctl(kAcceptLocal));
  if (before != "0") return {};
  if (auto set = write_sysctl(kAcceptLocal, "1"); !set)
    return tl::unexpected(
        Error{set.error().code,
              fmt::format("forwarding by the stack needs {0}=1, since translated packets have "
                          "addresses of the node as their source, and it cannot be set here ({1}): "
                          "set it on the node (a line \"{0} = 1\" in /etc/sysctl.d), or take "
                          "ebpf.forwarding: fast",
                          kAcceptLocal, set.error().code.message())});
  if (options.report)
    options.report(
        {std::error_code(),
         fmt::format("{} was 0 and is 1 now, as forwarding by the stack needs it", kAcceptLocal)});
  return {};
}

Result<> prepare_node(const Options& options) {
  TRY_VOID(accept_own_sources(options));
  if (!options.forward_by_stack || !options.report) return {};
  TRY(const auto strict, strict_interfaces(options));
  if (!strict.empty())
    options.report({std::error_code(),
                    fmt::format("net.ipv4.conf.*.rp_filter is 1 (strict) for {}: masqueraded IPv4 "
                                "packets from there are dropped by the stack; 2 or 0 lets them "
                                "pass, and so does ebpf.forwarding: fast",
                                fmt::join(strict, ", "))});
  return {};
}

}  // namespace fairlead::ebpf
