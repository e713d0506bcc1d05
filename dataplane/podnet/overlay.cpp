// each other node, by name: address, podCIDRs that nobody else has -> forwarding entry, neighbours,
// routes. What is wrong with one leaves that one out, and no other.
#include "dataplane/podnet/overlay.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <set>

namespace fairlead::podnet {
namespace {

std::optional<Ip> address_of(const Node& node, Family family) {
  const auto found = std::ranges::find(node.addresses, family, &Ip::family);
  return found == node.addresses.end() ? std::nullopt : std::optional(*found);
}

std::string_view name_of(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }

/// Prefixes that do not overlap, and whose they are.
class Claims {
 public:
  /// Who has one that overlaps; nullopt: it is the caller's now.
  std::optional<std::string> take(const Cidr& cidr, const std::string& who) {
    auto& taken = taken_[cidr.family()];
    const auto next = taken.upper_bound(cidr.base);
    if (next != taken.begin() && std::prev(next)->second.cidr.contains(cidr.base))
      return text_of(std::prev(next)->second);
    if (next != taken.end() && cidr.contains(next->first)) return text_of(next->second);
    taken.emplace_hint(next, cidr.base, Claim{cidr, who});
    return std::nullopt;
  }

 private:
  struct Claim {
    Cidr cidr;
    std::string who;
  };
  static std::string text_of(const Claim& claim) {
    return fmt::format("{} of {}", to_string(claim.cidr), claim.who);
  }
  std::map<Family, std::map<Ip, Claim>> taken_;
};

/// What routes to a podCIDR by VXLAN lead via. IPv6: a link-local address, of the MAC (RFC 4291
/// appendix A), as the kernel refuses a gateway that a route by another device leads to, and that
/// is what the podCIDR's direct route would be.
Ip vtep_gateway(const Cidr& pod_cidr, const Mac& mac) {
  if (pod_cidr.family() == Family::kIpv4) return pod_cidr.base;
  Ip gateway;
  gateway.bytes = {
      0xfe,   0x80,   0,    0,    0,      0,      0,     0, static_cast<std::uint8_t>(mac[0] ^ 2U),
      mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
  return gateway;
}

class Compiler {
 public:
  Compiler(const Underlay& underlay, const OverlayOptions& options)
      : underlay_(underlay), options_(options) {}

  void add_own(const std::string& name, const std::optional<Ip>& local,
               const std::vector<Cidr>& pod_cidrs) {
    local_ = local;
    result_.underlay = underlay_.device;
    if (pod_cidrs.empty()) problem(name, "it has no podCIDRs");
    for (const Cidr& cidr : pod_cidrs)
      if (claim(name, cidr, local)) result_.own.push_back(cidr);
    if (options_.mode != Mode::kVxlan) return;
    if (!local_) return problem(name, "it has no address that could carry VXLAN");
    const std::uint32_t overhead = vxlan_overhead(local_->family());
    if (underlay_.mtu <= overhead)
      return problem(name, fmt::format("VXLAN does not fit into an MTU of {}", underlay_.mtu));
    const std::uint32_t mtu = underlay_.mtu - overhead;
    VxlanDevice device{kVxlanName,
                       options_.vni,
                       options_.port,
                       *local_,
                       underlay_.device,
                       vtep_mac(name),
                       std::min(mtu, options_.mtu.value_or(mtu)),
                       {}};
    for (const Cidr& cidr : result_.own) device.addresses.push_back(cidr.base);
    macs_.insert(device.mac);
    result_.device = std::move(device);
  }

  void add(const Node& node) {
    if (node.pod_cidrs.empty()) return problem(node.name, "it has no podCIDRs");
    std::optional<Mac> mac;
    std::optional<Ip> address;
    if (result_.device) {
      const Family family = local_->family();
      address = address_of(node, family);
      if (!address)
        return problem(node.name, fmt::format("it has no {} address, which VXLAN here goes by",
                                              name_of(family)));
      if (*address == local_)
        return problem(node.name,
                       fmt::format("it has this node's address {}", to_string(*address)));
      mac = vtep_mac(node.name);
      if (!macs_.insert(*mac).second)
        return problem(node.name, "SHA-1 of its name begins as that of another node's");
      result_.forwarding.push_back({*mac, *address});
      result_.nodes.push_back(*address);
    }
    for (const Cidr& cidr : node.pod_cidrs)
      if (claim(node.name, cidr, address)) add_route(node, cidr, mac);
  }

  Overlay finish() {
    const auto sort_unique = [](auto& list) {
      std::ranges::sort(list);
      const auto [first, last] = std::ranges::unique(list);
      list.erase(first, last);
    };
    if (result_.device) sort_unique(result_.device->addresses);
    sort_unique(result_.forwarding);
    sort_unique(result_.neighbours);
    sort_unique(result_.routes);
    sort_unique(result_.own);
    sort_unique(result_.pods);
    sort_unique(result_.nodes);
    return std::move(result_);
  }

 private:
  void problem(const std::string& node, std::string_view what) {
    result_.problems.push_back(fmt::format("Node {}: {}", node, what));
  }

  /// `address`: of the node. The route to a podCIDR that contains it, or this node's, would lead
  /// the VXLAN packets themselves into the tunnel.
  bool claim(const std::string& node, const Cidr& cidr, const std::optional<Ip>& address) {
    for (const auto& underlay : {local_, address}) {
      if (!underlay || !cidr.contains(*underlay)) continue;
      problem(node, fmt::format("podCIDR {} contains the node address {}", to_string(cidr),
                                to_string(*underlay)));
      return false;
    }
    if (const auto other = claims_.take(cidr, "Node " + node)) {
      problem(node, fmt::format("podCIDR {} overlaps {}", to_string(cidr), *other));
      return false;
    }
    result_.pods.push_back(cidr);
    return true;
  }

  /// A gateway is of the destination's family, so the node needs an address of that family on the
  /// link.
  [[nodiscard]] std::optional<Ip> direct_gateway(const Node& node, Family family) const {
    if (options_.mode == Mode::kVxlan && !options_.direct_routing) return std::nullopt;
    const auto address = address_of(node, family);
    const bool on_link = address && std::ranges::any_of(underlay_.on_link, [&](const Cidr& prefix) {
                           return prefix.contains(*address);
                         });
    return on_link ? address : std::nullopt;
  }

  void add_route(const Node& node, const Cidr& cidr, const std::optional<Mac>& mac) {
    if (options_.mode == Mode::kBgp) return;
    const Ip peer = mac ? vtep_gateway(cidr, *mac) : Ip{};
    if (mac) result_.neighbours.push_back({peer, *mac});
    if (const auto gateway = direct_gateway(node, cidr.family()))
      result_.routes.push_back({cidr, *gateway, false});
    else if (mac)
      result_.routes.push_back({cidr, peer, true});
  }

  const Underlay& underlay_;
  const OverlayOptions& options_;
  std::optional<Ip> local_;
  Claims claims_;
  std::set<Mac> macs_;
  Overlay result_;
};

}  // namespace

std::uint32_t vxlan_overhead(Family underlay) { return underlay == Family::kIpv4 ? 50 : 70; }

Mac vtep_mac(std::string_view node) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  // Fails only where SHA-1 is forbidden altogether; then all nodes have the same, which is told.
  EVP_Digest(node.data(), node.size(), digest.data(), &size, EVP_sha1(), nullptr);
  Mac mac{0x02};
  std::copy_n(digest.begin(), mac.size() - 1, mac.begin() + 1);
  return mac;
}

std::optional<Ip> underlay_address(const std::map<std::string, Node>& nodes,
                                   const std::string& own_node, const OverlayOptions& options) {
  const auto own = nodes.find(own_node);
  if (own == nodes.end() || own->second.addresses.empty()) return std::nullopt;
  return address_of(own->second, options.underlay.value_or(own->second.addresses[0].family()));
}

Overlay compile_overlay(const std::map<std::string, Node>& nodes, const std::string& own_node,
                        const std::vector<Cidr>& own_pod_cidrs, const Underlay& underlay,
                        const OverlayOptions& options) {
  if (options.mode == Mode::kNone) return {};
  Compiler compiler(underlay, options);
  compiler.add_own(own_node, underlay_address(nodes, own_node, options), own_pod_cidrs);
  for (const auto& [name, node] : nodes)
    if (name != own_node) compiler.add(node);
  return compiler.finish();
}

}  // namespace fairlead::podnet
