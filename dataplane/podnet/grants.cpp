// Asked for ones first, then one of each list of ranges that has none yet.
#include "dataplane/podnet/grants.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::podnet {
namespace {

using Ranges = std::vector<Cidr>;

tl::unexpected<Refused> refuse(Refusal why, std::string doing) {
  return tl::unexpected(Refused{why, std::move(doing)});
}

/// Each list gives one address.
std::vector<Ranges> lists_of(std::span<const Cidr> pod_cidrs, const AttachmentRequest& request) {
  if (!request.ip_ranges.empty()) return request.ip_ranges;
  std::vector<Ranges> lists;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    Ranges ranges;
    std::ranges::copy_if(pod_cidrs, std::back_inserter(ranges),
                         [&](const Cidr& range) { return range.family() == family; });
    if (!ranges.empty()) lists.push_back(std::move(ranges));
  }
  return lists;
}

std::string text_of(const Ranges& ranges) {
  std::vector<std::string> texts;
  std::uint64_t count = 0;
  for (const Cidr& range : ranges) {
    texts.push_back(to_string(range));
    count += usable_addresses(range);
  }
  return fmt::format("{} addresses of {}", count, fmt::join(texts, ", "));
}

const Cidr* range_of(const std::vector<Ranges>& lists, const Ip& ip) {
  for (const Ranges& ranges : lists)
    for (const Cidr& range : ranges)
      if (range.contains(ip)) return &range;
  return nullptr;
}

/// The range's first address is the node's own.
bool is_the_nodes(const Cidr& range, const Ip& ip) {
  return ip == range.base && range.length < (ip.is_v4() ? 31 : 128);
}

Outcome<> take_wanted(Addresses& addresses, const std::vector<Ranges>& lists,
                      const AttachmentRequest& request, Grant& grant) {
  for (const Ip& ip : request.ips) {
    const Cidr* range = range_of(lists, ip);
    if (range == nullptr)
      return refuse(Refusal::kAddressTaken,
                    fmt::format("{}: {} was asked for, which is in no range of this node",
                                to_string(request.key), to_string(ip)));
    if (is_the_nodes(*range, ip) || !addresses.take(ip))
      return refuse(Refusal::kAddressTaken, fmt::format("{}: {} was asked for, which is in use",
                                                        to_string(request.key), to_string(ip)));
    grant.ips.push_back(ip);
  }
  return {};
}

Outcome<> take_next(Addresses& addresses, const std::vector<Ranges>& lists,
                    const AttachmentRequest& request, Grant& grant) {
  for (const Ranges& ranges : lists) {
    const bool has_one = std::ranges::any_of(request.ips, [&](const Ip& ip) {
      return std::ranges::any_of(ranges, [&](const Cidr& range) { return range.contains(ip); });
    });
    if (has_one) continue;
    const auto ip = addresses.take_next(ranges);
    if (!ip)
      return refuse(Refusal::kExhausted,
                    fmt::format("{}: all {} are in use", to_string(request.key), text_of(ranges)));
    grant.ips.push_back(*ip);
  }
  return {};
}

}  // namespace

Outcome<Grant> grant_addresses(Addresses& addresses, std::span<const Cidr> pod_cidrs,
                               const AttachmentRequest& request) {
  const auto lists = lists_of(pod_cidrs, request);
  if (lists.empty()) return refuse(Refusal::kNotReady, "this node has no podCIDRs yet");
  Grant grant;
  auto done = take_wanted(addresses, lists, request, grant);
  if (done) done = take_next(addresses, lists, request, grant);
  if (!done) {
    for (const Ip& ip : grant.ips) addresses.release(ip, pod_cidrs);
    return tl::unexpected(std::move(done).error());
  }
  std::ranges::stable_sort(grant.ips, {}, [](const Ip& ip) { return ip.family(); });
  for (const Ranges& ranges : lists)
    for (const Cidr& range : ranges) grant.cursors.push_back(addresses.cursor(range));
  return grant;
}

Outcome<> can_grant(const Addresses& addresses, std::span<const Cidr> pod_cidrs) {
  const auto lists = lists_of(pod_cidrs, {});
  if (lists.empty()) return refuse(Refusal::kNotReady, "this node has no podCIDRs yet");
  for (const Ranges& ranges : lists)
    if (!addresses.has_free(ranges))
      return refuse(Refusal::kExhausted, fmt::format("all {} are in use", text_of(ranges)));
  return {};
}

}  // namespace fairlead::podnet
