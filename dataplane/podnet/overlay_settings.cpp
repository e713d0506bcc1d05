// Settings that are right already are not written, because writing ip_forward resets others.
#include "dataplane/podnet/overlay_settings.hpp"

#include <algorithm>

#include "dataplane/kernel/sysctl.hpp"

namespace fairlead::podnet {
namespace {

class Settings {
 public:
  explicit Settings(std::vector<std::string>& problems) : problems_(problems) {}

  void want(const std::string& name, const std::string& value) {
    const auto have = read_sysctl(name);
    if (have && *have == value) return;
    if (const auto written = write_sysctl(name, value); !written)
      problems_.push_back(written.error().doing);
    else
      changed_.push_back(name + " = " + value);
  }
  std::vector<std::string> changed() { return std::move(changed_); }

  static bool is(const std::string& name, const std::string& value) {
    const auto have = read_sysctl(name);
    return have && *have == value;
  }

 private:
  std::vector<std::string>& problems_;
  std::vector<std::string> changed_;
};

bool has_family(const Overlay& overlay, Family family) {
  return std::ranges::any_of(overlay.pods,
                             [&](const Cidr& cidr) { return cidr.family() == family; });
}

}  // namespace

std::vector<std::string> apply_settings(const Overlay& overlay, const std::string& underlay,
                                        std::vector<std::string>& problems) {
  Settings settings(problems);
  const bool has_v4 = has_family(overlay, Family::kIpv4);
  const bool has_v6 = has_family(overlay, Family::kIpv6);
  const std::string ipv4 = "net/ipv4/conf/", ipv6 = "net/ipv6/conf/";
  if (has_v4) settings.want("net/ipv4/ip_forward", "1");
  if (has_v6 && !Settings::is(ipv6 + "all/forwarding", "1")) {
    // A router does not obey advertisements unless told twice; this node's default route may be by
    // one.
    if (!underlay.empty() && Settings::is(ipv6 + underlay + "/accept_ra", "1"))
      settings.want(ipv6 + underlay + "/accept_ra", "2");
    settings.want(ipv6 + "all/forwarding", "1");
  }
  if (!overlay.device) return settings.changed();
  const std::string& name = overlay.device->name;
  if (has_v4) settings.want(ipv4 + name + "/forwarding", "1");
  // The greater of the two counts, and 1 is strict. While one node routes directly already and the
  // other does not yet, a packet comes by another way than its answer goes.
  const std::string filter = ipv4 + name + "/rp_filter";
  const bool loose = Settings::is(filter, "2") || Settings::is(ipv4 + "all/rp_filter", "2");
  if (!loose && (Settings::is(filter, "1") || Settings::is(ipv4 + "all/rp_filter", "1")))
    settings.want(filter, "2");
  const bool ipv6_is_there = read_sysctl(ipv6 + name + "/accept_ra").has_value();
  if (!ipv6_is_there && !has_v6) return settings.changed();
  settings.want(ipv6 + name + "/accept_ra", "0");
  settings.want(ipv6 + name + "/addr_gen_mode", "1");  // no link-local address
  if (has_v6) settings.want(ipv6 + name + "/disable_ipv6", "0");
  return settings.changed();
}

}  // namespace fairlead::podnet
