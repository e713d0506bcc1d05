// A pod's attachment as a value: who asked, and what it got.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/ip.hpp"
#include "model/ip_range.hpp"
#include "model/result.hpp"

namespace fairlead::podnet {

/// An Ethernet address, in the order of transmission.
using Mac = std::array<std::uint8_t, 6>;
/// "02:fa:…" in any case of letters; colons only.
Result<Mac> parse_mac(std::string_view text);
std::string to_string(const Mac& mac);

/// CNI's identity of an attachment.
struct AttachmentKey {
  std::string network, container, interface;
  auto operator<=>(const AttachmentKey&) const = default;
};
std::string to_string(const AttachmentKey& key);  // "network/container/interface"

/// Whose it is; empty where the runtime does not say.
struct PodIdentity {
  std::string pod_namespace, name, uid;
  auto operator<=>(const PodIdentity&) const = default;
};

/// A port of the node that leads to the pod.
struct PortMapping {
  Port host_port, pod_port;
  Protocol protocol = Protocol::kTcp;
  std::optional<Ip> host_ip;  // nullopt: every address of the node
  auto operator<=>(const PortMapping&) const = default;
};

/// Bits a second and bits; a rate of 0 is no limit. Ingress is towards the pod.
struct Bandwidth {
  std::uint64_t ingress_rate = 0, ingress_burst = 0, egress_rate = 0, egress_burst = 0;
  auto operator<=>(const Bandwidth&) const = default;
};

/// Gives one address: whole subnets first, then parts of subnets. All of one family, and not empty.
struct RangeSet {
  std::vector<Cidr> subnets;
  std::vector<IpRange> parts;
  bool operator==(const RangeSet&) const = default;

  [[nodiscard]] Family family() const {
    return subnets.empty() ? parts.front().family() : subnets.front().family();
  }
};

struct AttachmentRequest {
  AttachmentKey key;
  PodIdentity pod;
  std::map<std::string, std::string> labels;
  std::string sandbox;              // CNI_NETNS as given
  std::vector<Ip> ips;              // asked for; at most one a family
  std::vector<RangeSet> ip_ranges;  // instead of the node's, one set a family; empty: none
  std::optional<Mac> mac;
  std::vector<PortMapping> port_mappings;
  Bandwidth bandwidth;
};

struct Attachment {
  AttachmentKey key;
  PodIdentity pod;
  std::map<std::string, std::string> labels;
  std::string sandbox;
  std::uint64_t netns_cookie = 0;  // 0: unknown
  std::vector<Ip> ips;             // IPv4 before IPv6
  Mac pod_mac{}, host_mac{};
  std::string host_link;  // "fl-…"
  std::uint32_t mtu = 0;
  std::vector<PortMapping> port_mappings;
  Bandwidth bandwidth;
  std::int64_t created = 0;  // seconds since 1970; 0: unknown
  bool operator==(const Attachment&) const = default;
};

/// Why a request was refused; cni/ knows the code of each.
enum class Refusal : std::uint8_t {
  kNotReady,      // no podCIDR yet
  kExhausted,     // no address left
  kAddressTaken,  // the one that was asked for is another's, or in no range
  kExists,        // the attachment, or the interface in the pod
  kUnknown,       // CHECK of what was never added
  kDiffers,       // CHECK: something is not as it was made
  kInvalidNetns,  // missing, or the node's own
  kStorage,       // the book cannot be written
  kKernel,        // the kernel refused
};
struct Refused {
  Refusal why = Refusal::kKernel;
  std::string doing;  // for people: what, on what, and the kernel's answer
};
template <class T = void>
using Outcome = tl::expected<T, Refused>;

}  // namespace fairlead::podnet
