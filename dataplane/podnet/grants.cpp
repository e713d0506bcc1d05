// Asked for ones first, then one of each list of ranges that has none yet.
#include "dataplane/podnet/grants.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::podnet {
namespace {

tl::unexpected<Refused> refuse(Refusal why, std::string doing) {
  return tl::unexpected(Refused{why, std::move(doing)});
}

/// Each set gives one address.
std::vector<RangeSet> sets_of(std::span<const Cidr> pod_cidrs, const AttachmentRequest& request) {
  if (!request.ip_ranges.empty()) return request.ip_ranges;
  std::vector<RangeSet> sets;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    RangeSet set;
    std::ranges::copy_if(pod_cidrs, std::back_inserter(set.subnets),
                         [&](const Cidr& range) { return range.family() == family; });
    if (!set.subnets.empty()) sets.push_back(std::move(set));
  }
  return sets;
}

std::string text_of(const RangeSet& set) {
  std::vector<std::string> texts;
  std::uint64_t count = 0;
  for (const Cidr& range : set.subnets) {
    texts.push_back(to_string(range));
    count += usable_addresses(range);
  }
  for (const IpRange& part : set.parts) {
    texts.push_back(to_string(part));
    count += part.size();
  }
  return fmt::format("{} addresses of {}", count, fmt::join(texts, ", "));
}

const Cidr* subnet_of(const RangeSet& set, const Ip& ip) {
  const auto found =
      std::ranges::find_if(set.subnets, [&](const Cidr& range) { return range.contains(ip); });
  return found == set.subnets.end() ? nullptr : &*found;
}

bool contains(const RangeSet& set, const Ip& ip) {
  return subnet_of(set, ip) != nullptr ||
         std::ranges::any_of(set.parts, [&](const IpRange& part) { return part.contains(ip); });
}

/// The range's first address is the node's own.
bool is_the_nodes(const Cidr& range, const Ip& ip) {
  return ip == range.base && range.length < (ip.is_v4() ? 31 : 128);
}

Outcome<> take_wanted(Addresses& addresses, const std::vector<RangeSet>& sets,
                      const AttachmentRequest& request, Grant& grant) {
  for (const Ip& ip : request.ips) {
    const auto set = std::ranges::find_if(sets, [&](const RangeSet& s) { return contains(s, ip); });
    if (set == sets.end())
      return refuse(Refusal::kAddressTaken,
                    fmt::format("{}: {} was asked for, which is in no range of this node",
                                to_string(request.key), to_string(ip)));
    const Cidr* subnet = subnet_of(*set, ip);
    if ((subnet != nullptr && is_the_nodes(*subnet, ip)) || !addresses.take(ip))
      return refuse(Refusal::kAddressTaken, fmt::format("{}: {} was asked for, which is in use",
                                                        to_string(request.key), to_string(ip)));
    grant.ips.push_back(ip);
  }
  return {};
}

std::optional<Ip> take_one(Addresses& addresses, const RangeSet& set) {
  std::optional<Ip> ip = addresses.take_next(set.subnets);
  for (auto part = set.parts.begin(); !ip && part != set.parts.end(); ++part)
    ip = addresses.take_next(*part);
  return ip;
}

Outcome<> take_next(Addresses& addresses, const std::vector<RangeSet>& sets,
                    const AttachmentRequest& request, Grant& grant) {
  for (const RangeSet& set : sets) {
    if (std::ranges::any_of(request.ips, [&](const Ip& ip) { return contains(set, ip); })) continue;
    const auto ip = take_one(addresses, set);
    if (!ip)
      return refuse(Refusal::kExhausted,
                    fmt::format("{}: all {} are in use", to_string(request.key), text_of(set)));
    grant.ips.push_back(*ip);
  }
  return {};
}

}  // namespace

Outcome<Grant> grant_addresses(Addresses& addresses, std::span<const Cidr> pod_cidrs,
                               const AttachmentRequest& request) {
  const auto sets = sets_of(pod_cidrs, request);
  if (sets.empty()) return refuse(Refusal::kNotReady, "this node has no podCIDRs yet");
  Grant grant;
  auto done = take_wanted(addresses, sets, request, grant);
  if (done) done = take_next(addresses, sets, request, grant);
  if (!done) {
    for (const Ip& ip : grant.ips) addresses.release(ip, pod_cidrs);
    return tl::unexpected(std::move(done).error());
  }
  std::ranges::stable_sort(grant.ips, {}, [](const Ip& ip) { return ip.family(); });
  for (const RangeSet& set : sets)
    for (const Cidr& range : set.subnets) grant.cursors.push_back(addresses.cursor(range));
  return grant;
}

Outcome<> can_grant(const Addresses& addresses, std::span<const Cidr> pod_cidrs) {
  const auto sets = sets_of(pod_cidrs, {});
  if (sets.empty()) return refuse(Refusal::kNotReady, "this node has no podCIDRs yet");
  for (const RangeSet& set : sets)
    if (!addresses.has_free(set.subnets))
      return refuse(Refusal::kExhausted, fmt::format("all {} are in use", text_of(set)));
  return {};
}

}  // namespace fairlead::podnet
