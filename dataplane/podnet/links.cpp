// Two sockets: the node's, and one that is opened in the pod's namespace and stays its.
#include "dataplane/podnet/links.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "dataplane/kernel/link_requests.hpp"
#include "dataplane/kernel/route_reads.hpp"
#include "dataplane/kernel/sysctl.hpp"
#include "dataplane/podnet/bandwidth.hpp"

namespace fairlead::podnet {
namespace {

constexpr std::size_t kAliasBytes = 255;  // IFALIASZ less its zero
using Digest = std::array<std::uint8_t, 20>;

Digest digest_of(const AttachmentKey& key) {
  const std::string text = to_string(key);
  Digest digest{};
  unsigned size = digest.size();
  // SHA-1 of memory cannot fail once OpenSSL is loaded; zeroes would be found by the name's clash.
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return digest;
}

std::uint8_t full_length(const Ip& ip) { return ip.is_v4() ? 32 : 128; }
Cidr whole(const Ip& ip) { return {ip, full_length(ip)}; }
bool has_ipv6(const Attachment& attachment) {
  return std::ranges::any_of(attachment.ips, [](const Ip& ip) { return !ip.is_v4(); });
}

KernelRoute default_route(Family family, int device) {
  return {{any_address(family), 0}, gateway(family), device, true, std::nullopt};
}

tl::unexpected<Refused> refuse(Refusal why, std::string doing) {
  return tl::unexpected(Refused{why, std::move(doing)});
}
tl::unexpected<Refused> refuse(const AttachmentKey& key, const Error& error) {
  return refuse(Refusal::kKernel, fmt::format("{}: {}", to_string(key), error.doing));
}

Result<NetlinkSocket> open_in(const Netns& netns) {
  return netns.run([] { return NetlinkSocket::open(NETLINK_ROUTE); });
}

Result<> dress_pod(const Attachment& attachment, NetlinkSocket& pod) {
  TRY(const auto link, read_link(pod, attachment.key.interface));
  if (!link) return system_error(ENODEV, "find the pod's end");
  RouteBatch batch;
  // A pod without IPv6 needs no link-local address, and nobody to announce it to.
  if (!has_ipv6(attachment)) batch.change_link(link->index, {.no_own_addresses = true});
  batch.change_link(link->index, {.up = true});
  for (const Ip& ip : attachment.ips) {
    batch.add_address(link->index, ip, full_length(ip));
    batch.add_neighbour({link->index, gateway(ip.family()), attachment.host_mac});
    batch.add_route(default_route(ip.family(), link->index));
  }
  TRY_VOID(batch.commit(pod));
  return limit_rate(pod, link->index, pod_bucket(attachment));
}

Result<> dress_host(const Attachment& attachment, NetlinkSocket& host, int device) {
  // Nothing that a pod announces is believed. Where there is no IPv6 there is no such setting.
  if (const auto setting = "net/ipv6/conf/" + attachment.host_link + "/accept_ra";
      read_sysctl(setting))
    TRY_VOID(write_sysctl(setting, "0"));
  // Before the link is up, when the eBPF datapath looks whether it may go past what is here.
  TRY_VOID(limit_rate(host, device, host_bucket(attachment)));
  RouteBatch batch;
  add_host_side(batch, attachment, device);
  return batch.commit(host);
}

Result<> make(const Attachment& attachment, NetlinkSocket& host, NetlinkSocket& pod, int device) {
  if (auto done = dress_pod(attachment, pod); !done) return prefix("the pod's end", done.error());
  if (auto done = dress_host(attachment, host, device); !done)
    return prefix("the node's end", done.error());
  return {};
}

/// The first thing that is not as it was made; "" if all is.
Result<std::string> find_difference_in_pod(const Attachment& attachment, NetlinkSocket& pod) {
  TRY(const auto link, read_link(pod, attachment.key.interface));
  const std::string& name = attachment.key.interface;
  if (!link) return name + " is missing in the pod";
  if (!link->is_up) return name + " is down";
  if (link->mac != attachment.pod_mac)
    return fmt::format("{} has MAC {}, not {}", name, to_string(link->mac),
                       to_string(attachment.pod_mac));
  TRY(const auto addresses, read_addresses(pod, link->index));
  TRY(const auto routes, read_own_routes(pod));
  TRY(const auto neighbours, read_neighbours(pod, link->index));
  for (const Ip& ip : attachment.ips) {
    const Family family = ip.family();
    if (std::ranges::find(addresses, KernelAddress{ip, full_length(ip)}) == addresses.end())
      return fmt::format("{} has lost {}", name, to_string(ip));
    if (std::ranges::find(routes, default_route(family, link->index)) == routes.end())
      return fmt::format("the pod has lost its default route via {}", to_string(gateway(family)));
    if (std::ranges::find(neighbours, KernelNeighbour{link->index, gateway(family),
                                                      attachment.host_mac}) == neighbours.end())
      return fmt::format("the pod has lost its neighbour {}", to_string(gateway(family)));
  }
  TRY(const bool limited, is_limited(pod, link->index, pod_bucket(attachment)));
  if (!limited) return fmt::format("{} has lost the limit of what the pod sends", name);
  return std::string();
}

Result<std::string> find_difference_on_host(const Attachment& attachment, NetlinkSocket& host) {
  TRY(const auto link, read_link(host, attachment.host_link));
  if (!link) return attachment.host_link + " is missing on the node";
  if (!link->is_up) return attachment.host_link + " is down";
  TRY(const auto routes, read_own_routes(host));
  for (const KernelRoute& route : host_routes(attachment, link->index))
    if (!std::ranges::binary_search(routes, route))
      return "the node has lost its route to " + to_string(route.destination);
  TRY(const auto neighbours, read_neighbours(host, link->index));
  for (const KernelNeighbour& neighbour : host_neighbours(attachment, link->index))
    if (!std::ranges::binary_search(neighbours, neighbour))
      return "the node has lost its neighbour " + to_string(neighbour.address);
  TRY(const bool limited, is_limited(host, link->index, host_bucket(attachment)));
  if (!limited) return attachment.host_link + " has lost the limit of what the pod receives";
  return std::string();
}

}  // namespace

std::string host_link_name(const AttachmentKey& key) {
  constexpr std::size_t kBytes = 6;
  const Digest digest = digest_of(key);
  return fmt::format("fl-{:02x}", fmt::join(digest.begin(), digest.begin() + kBytes, ""));
}

Mac pod_mac(const AttachmentKey& key) {
  const Digest digest = digest_of(key);
  return {0x02, 0xfb, digest[6], digest[7], digest[8], digest[9]};
}

Ip gateway(Family family) {
  if (family == Family::kIpv4) return ip_from_v4({169, 254, 1, 1});
  Ip ip;
  ip.bytes[0] = 0xfe;
  ip.bytes[1] = 0x80;
  ip.bytes[15] = 1;
  return ip;
}

std::string alias_of(const AttachmentKey& key) {
  const std::string alias = fmt::format("{} {} {}", key.network, key.container, key.interface);
  return alias.size() <= kAliasBytes ? alias : "";
}

std::optional<AttachmentKey> key_of_alias(std::string_view alias) {
  const auto first = alias.find(' ');
  const auto last = alias.rfind(' ');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  AttachmentKey key{std::string(alias.substr(0, first)),
                    std::string(alias.substr(first + 1, last - first - 1)),
                    std::string(alias.substr(last + 1))};
  const bool is_whole = !key.network.empty() && !key.container.empty() && !key.interface.empty();
  return is_whole && key.container.find(' ') == std::string::npos ? std::optional(std::move(key))
                                                                  : std::nullopt;
}

std::vector<KernelRoute> host_routes(const Attachment& attachment, int device) {
  std::vector<KernelRoute> routes;
  for (const Ip& ip : attachment.ips)
    routes.push_back({whole(ip), std::nullopt, device, false, std::nullopt});
  return routes;
}

std::vector<KernelNeighbour> host_neighbours(const Attachment& attachment, int device) {
  std::vector<KernelNeighbour> neighbours;
  for (const Ip& ip : attachment.ips) neighbours.push_back({device, ip, attachment.pod_mac});
  return neighbours;
}

void add_host_side(RouteBatch& batch, const Attachment& attachment, int device) {
  batch.change_link(device, {.no_own_addresses = true});
  batch.change_link(device, {.up = true, .alias = alias_of(attachment.key)});
  for (const auto& neighbour : host_neighbours(attachment, device)) batch.add_neighbour(neighbour);
  for (const auto& route : host_routes(attachment, device)) batch.add_route(route);
}

Outcome<> make_links(const Attachment& attachment, const Netns& netns) {
  auto host = NetlinkSocket::open(NETLINK_ROUTE);
  if (!host) return refuse(attachment.key, host.error());
  auto pod = open_in(netns);
  if (!pod) return refuse(attachment.key, pod.error());
  const auto device = create_veth(*host, {.name = attachment.host_link,
                                          .mac = attachment.host_mac,
                                          .mtu = attachment.mtu,
                                          .peer_name = attachment.key.interface,
                                          .peer_mac = attachment.pod_mac,
                                          .peer_netns = netns.fd()});
  if (!device && device.error().code == std::errc::file_exists)
    return refuse(
        Refusal::kExists,
        fmt::format("{}: there is a link {} in the pod or {} on the node already",
                    to_string(attachment.key), attachment.key.interface, attachment.host_link));
  if (!device) return refuse(attachment.key, device.error());
  const auto done = make(attachment, *host, *pod, *device);
  if (done) return {};
  RouteBatch undo;
  undo.delete_link(*device);
  std::string doing = done.error().doing;
  if (const auto undone = undo.commit(*host); !undone)
    doing += "; and then: " + undone.error().doing;
  return refuse(attachment.key, {done.error().code, std::move(doing)});
}

Outcome<> check_links(const Attachment& attachment, const Netns& netns) {
  auto host = NetlinkSocket::open(NETLINK_ROUTE);
  if (!host) return refuse(attachment.key, host.error());
  auto pod = open_in(netns);
  if (!pod) return refuse(attachment.key, pod.error());
  auto difference = find_difference_in_pod(attachment, *pod);
  if (difference && difference->empty()) difference = find_difference_on_host(attachment, *host);
  if (!difference) return refuse(attachment.key, difference.error());
  if (difference->empty()) return {};
  return refuse(Refusal::kDiffers, fmt::format("{}: {}", to_string(attachment.key), *difference));
}

}  // namespace fairlead::podnet
