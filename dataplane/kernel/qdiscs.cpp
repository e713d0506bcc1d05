// TokenBucket -> RTM_NEWQDISC of kind tbf; RTM_GETQDISC dump -> TokenBucket.
//
// The kernel tells the burst in ticks, rounded; the bound on what waits, in which it is contained,
// comes back as it was.
#include "dataplane/kernel/qdiscs.hpp"

#include <fmt/format.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "dataplane/kernel/netlink_attributes.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kKind = "tbf";
constexpr std::uint32_t kHandle = 0xfa1e'0000;

/// 25 ms of the rate.
std::uint32_t waiting_bytes(std::uint64_t rate) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(rate / 40, std::numeric_limits<std::uint32_t>::max() - kMostBurst));
}

void put_options(nlmsghdr* message, const TokenBucket& bucket) {
  constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();
  tc_tbf_qopt parameters{};
  parameters.rate.rate = static_cast<std::uint32_t>(std::min(bucket.rate, kMost32));
  parameters.rate.linklayer = TC_LINKLAYER_ETHERNET;
  parameters.limit = bucket.burst + waiting_bytes(bucket.rate);
  nlattr* options = mnl_attr_nest_start(message, TCA_OPTIONS);
  mnl_attr_put(message, TCA_TBF_PARMS, sizeof(parameters), &parameters);
  mnl_attr_put_u32(message, TCA_TBF_BURST, bucket.burst);
  if (bucket.rate >= kMost32) mnl_attr_put_u64(message, TCA_TBF_RATE64, bucket.rate);
  mnl_attr_nest_end(message, options);
}

std::optional<TokenBucket> bucket_of(const nlattr& options) {
  const auto parts = nested_attributes<TCA_TBF_MAX + 1>(options);
  if (parts[TCA_TBF_PARMS] == nullptr) return std::nullopt;
  const auto bytes = attribute_bytes(*parts[TCA_TBF_PARMS]);
  tc_tbf_qopt parameters{};
  if (bytes.size() < sizeof(parameters)) return std::nullopt;
  std::memcpy(&parameters, bytes.data(), sizeof(parameters));
  TokenBucket bucket;
  bucket.rate = parts[TCA_TBF_RATE64] != nullptr ? mnl_attr_get_u64(parts[TCA_TBF_RATE64])
                                                 : parameters.rate.rate;
  const std::uint32_t waiting = waiting_bytes(bucket.rate);
  bucket.burst = parameters.limit > waiting ? parameters.limit - waiting : 0;
  return bucket;
}

}  // namespace

Result<> put_token_bucket(NetlinkSocket& socket, int device, const TokenBucket& bucket) {
  alignas(nlmsghdr) std::array<char, 512> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_NEWQDISC;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
  auto* header = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
  header->tcm_family = AF_UNSPEC;
  header->tcm_ifindex = device;
  header->tcm_parent = TC_H_ROOT;
  header->tcm_handle = kHandle;
  mnl_attr_put_strz(message, TCA_KIND, kKind.data());
  put_options(message, bucket);
  if (auto done = socket.query(*message, {}); !done)
    return prefix(fmt::format("limit the rate of device {} (sch_tbf)", device),
                  std::move(done).error());
  return {};
}

Result<std::map<int, TokenBucket>> read_token_buckets(NetlinkSocket& socket) {
  alignas(nlmsghdr) std::array<char, 64> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_GETQDISC;
  message->nlmsg_flags = NLM_F_REQUEST;
  mnl_nlmsg_put_extra_header(message, sizeof(tcmsg));
  std::map<int, TokenBucket> buckets;
  // An interrupted dump is good enough: who changes a qdisc has it looked at again.
  auto outcome = socket.dump(*message, [&](const nlmsghdr& reply) -> Result<> {
    const auto& header = *static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&reply));
    if (header.tcm_parent != TC_H_ROOT) return {};
    bool is_bucket = false;
    const nlattr* options = nullptr;
    for_each_attribute(reply, sizeof(tcmsg), [&](const nlattr& attribute) {
      const auto type = mnl_attr_get_type(&attribute);
      if (type == TCA_KIND) is_bucket = mnl_attr_get_str(&attribute) == kKind;
      if (type == TCA_OPTIONS) options = &attribute;
    });
    if (!is_bucket || options == nullptr) return {};
    if (const auto bucket = bucket_of(*options)) buckets[header.tcm_ifindex] = *bucket;
    return {};
  });
  if (!outcome) return prefix("read queueing disciplines", std::move(outcome).error());
  return buckets;
}

}  // namespace fairlead
