// Overlay -> rules as values -> sets, chains and elements of the table.
//
// VXLAN of our VNI:    from a pod, to whomever        dropped
//                      to be forwarded                none of ours
//                      from a node's address          taken, and no business of connection tracking
//                      from anybody else              dropped
// A set of ranges has the family as first field, as the kernel has quick ranges only behind another
// field.
#include "dataplane/podnet/rules.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "dataplane/kernel/nft_rule.hpp"

namespace fairlead::podnet {
namespace {

using nft::DataType;
using nft::Header;
using nft::RuleBuilder;

constexpr std::int32_t kBeforeConntrack = -300;
// Behind the datapaths' (95), before everybody else's (100).
constexpr std::int32_t kSnatPriority = 99;
// As who is masqueraded on the way to a Service; below are the ports of the eBPF datapath.
constexpr std::uint16_t kFirstSourcePort = 32768, kLastSourcePort = 65535;
// In the transport header: UDP's 8 bytes, then VXLAN's flags (4 bytes) and VNI (3).
constexpr std::uint32_t kVniOffset = 12, kVniBytes = 3;
constexpr std::array<std::uint8_t, 3> kPodLinks{'f', 'l', '-'};

struct FamilyLayout {
  Family family;
  char suffix;
  std::uint8_t nfproto;
  std::uint32_t address_bytes, source_offset, destination_offset;
  DataType address;
};
constexpr std::array kFamilies{
    FamilyLayout{Family::kIpv4, '4', NFPROTO_IPV4, 4, 12, 16, DataType::kIpv4},
    FamilyLayout{Family::kIpv6, '6', NFPROTO_IPV6, 16, 8, 24, DataType::kIpv6}};

const FamilyLayout& layout_of(Family family) { return kFamilies[family == Family::kIpv4 ? 0 : 1]; }

RuleBuilder rule_of(const FamilyLayout& f) {
  RuleBuilder rule;
  rule.meta(NFT_META_NFPROTO, 0).equal_byte(f.nfproto, 0);
  return rule;
}

/// UDP to our port.
RuleBuilder vxlan_rule(const Rules& rules) {
  const std::array<std::uint8_t, 2> port{static_cast<std::uint8_t>(rules.port.host >> 8),
                                         static_cast<std::uint8_t>(rules.port.host & 0xff)};
  RuleBuilder rule;
  rule.meta(NFT_META_L4PROTO, 0).equal_byte(IPPROTO_UDP, 0);
  rule.payload(Header::kTransport, 2, 2, 0).equal(port, 0);
  return rule;
}

std::array<std::uint8_t, 3> vni_bytes(std::uint32_t vni) {
  return {static_cast<std::uint8_t>(vni >> 16), static_cast<std::uint8_t>(vni >> 8),
          static_cast<std::uint8_t>(vni)};
}

TableChain vxlan_chain(const Rules& rules) {
  TableChain chain{{"vxlan", {}}, {}};
  const auto add = [&](RuleBuilder& rule, const char* comment) {
    chain.rules.push_back(rule.build(comment));
  };
  // A packet that ends before its VNI goes on, as the first piece of one: nobody sends such.
  RuleBuilder other;
  other.payload(Header::kTransport, kVniOffset, kVniBytes, 0).differs(vni_bytes(rules.vni), 0);
  add(other.accept(), "another VNI");
  RuleBuilder pod;
  pod.meta(NFT_META_IIFNAME, 0).equal(kPodLinks, 0).counter();
  add(pod.drop(), "no pod sends VXLAN");
  const std::uint32_t local = RTN_LOCAL;
  RuleBuilder passing;
  passing.address_type(false, 0).differs(
      {reinterpret_cast<const std::uint8_t*>(&local), sizeof(local)}, 0);
  add(passing.accept(), "not for this node");
  for (const FamilyLayout& f : kFamilies) {
    RuleBuilder known = rule_of(f);
    known.payload(Header::kNetwork, f.source_offset, f.address_bytes, 0)
        .is_in(std::string("nodes") + f.suffix, 0)
        .untracked();
    add(known.accept(), "from a node");
  }
  RuleBuilder unknown;
  unknown.counter();
  add(unknown.drop(), "from nobody of the cluster");
  return chain;
}

std::vector<TableChain> filter_chains(const Rules& rules) {
  std::vector<TableChain> chains;
  chains.push_back(vxlan_chain(rules));
  chains.push_back(
      {{"prerouting", nft::Hook{"filter", NF_INET_PRE_ROUTING, kBeforeConntrack}}, {}});
  chains.back().rules.push_back(vxlan_rule(rules).go_to("vxlan").build());
  chains.push_back({{"output", nft::Hook{"filter", NF_INET_LOCAL_OUT, kBeforeConntrack}}, {}});
  RuleBuilder sent = vxlan_rule(rules);
  sent.payload(Header::kTransport, kVniOffset, kVniBytes, 0).equal(vni_bytes(rules.vni), 0);
  chains.back().rules.push_back(sent.untracked().build());
  return chains;
}

TableChain masquerade_chain() {
  TableChain chain{{"postrouting", nft::Hook{"nat", NF_INET_POST_ROUTING, kSnatPriority}}, {}};
  for (const FamilyLayout& f : kFamilies) {
    RuleBuilder rule = rule_of(f);
    rule.meta(NFT_META_OIFNAME, 0).differs(kPodLinks, 0);
    rule.meta(NFT_META_NFPROTO, 0)
        .payload(Header::kNetwork, f.source_offset, f.address_bytes, 1)
        .is_in(std::string("own") + f.suffix, 0);
    rule.meta(NFT_META_NFPROTO, 0)
        .payload(Header::kNetwork, f.destination_offset, f.address_bytes, 1)
        .is_not_in(std::string("inside") + f.suffix, 0);
    chain.rules.push_back(rule.masquerade(kFirstSourcePort, kLastSourcePort).build());
  }
  return chain;
}

/// The one that is twice as wide.
Cidr wider(const Cidr& cidr) {
  Cidr parent = cidr;
  --parent.length;
  const std::size_t bit = parent.length + (cidr.family() == Family::kIpv4 ? 96U : 0U);
  parent.base.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
  return parent;
}

/// The same addresses in as few prefixes as there can be: podCIDRs of nodes are neighbours, and the
/// kernel takes its time with thousands of ranges.
std::vector<Cidr> fewest(std::vector<Cidr> cidrs) {
  std::ranges::sort(cidrs);  // a prefix before those within it
  std::array<std::vector<Cidr>, 2> families;
  for (const Cidr& cidr : cidrs) {
    auto& result = families[cidr.family() == Family::kIpv4 ? 0 : 1];
    if (!result.empty() && result.back().contains(cidr.base)) continue;
    result.push_back(cidr);
    while (result.size() > 1 && result.back().length == result[result.size() - 2].length &&
           wider(result.back()).base == result[result.size() - 2].base) {
      result.pop_back();
      result.back() = wider(result.back());
    }
  }
  families[0].insert(families[0].end(), families[1].begin(), families[1].end());
  return std::move(families[0]);
}

std::vector<std::uint8_t> range_key(const Ip& address) {
  const FamilyLayout& f = layout_of(address.family());
  std::vector<std::uint8_t> key(4 + f.address_bytes);
  key[0] = f.nfproto;
  std::copy(address.bytes.end() - f.address_bytes, address.bytes.end(), key.begin() + 4);
  return key;
}

Ip last_of(const Cidr& cidr) {
  Ip last = cidr.base;
  const std::size_t bits = cidr.length + (cidr.family() == Family::kIpv4 ? 96U : 0U);
  for (std::size_t bit = bits; bit < 8 * last.bytes.size(); ++bit)
    last.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
  return last;
}

}  // namespace

Rules rules_of(const Overlay& overlay, const MasqueradeOptions& masquerade) {
  Rules rules;
  if (overlay.device) {
    rules.filters_vxlan = true;
    rules.vni = overlay.device->vni;
    rules.port = overlay.device->port;
    rules.nodes = overlay.nodes;
  }
  if (!masquerade.on || overlay.own.empty()) return rules;
  rules.masquerades = true;
  rules.own = fewest(overlay.own);
  std::vector<Cidr> inside = overlay.pods;
  inside.insert(inside.end(), masquerade.except.begin(), masquerade.except.end());
  rules.inside = fewest(std::move(inside));
  return rules;
}

std::vector<nft::Set> table_sets() {
  std::vector<nft::Set> sets;
  for (const FamilyLayout& f : kFamilies) {
    nft::Set nodes;
    nodes.name = std::string("nodes") + f.suffix;
    nodes.key = {f.address};
    sets.push_back(std::move(nodes));
    for (const char* name : {"own", "inside"}) {
      nft::Set ranges;
      ranges.name = std::string(name) + f.suffix;
      ranges.key = {DataType::kFamily, f.address};
      ranges.ranges = true;
      sets.push_back(std::move(ranges));
    }
  }
  return sets;
}

std::vector<TableChain> table_chains(const Rules& rules) {
  std::vector<TableChain> chains;
  if (rules.filters_vxlan) chains = filter_chains(rules);
  if (rules.masquerades) chains.push_back(masquerade_chain());
  return chains;
}

std::vector<TableElement> table_elements(const Rules& rules) {
  std::vector<TableElement> elements;
  for (const Ip& node : rules.nodes) {
    const FamilyLayout& f = layout_of(node.family());
    elements.push_back({std::string("nodes") + f.suffix,
                        {node.bytes.end() - f.address_bytes, node.bytes.end()},
                        {}});
  }
  const auto add_ranges = [&](const char* set, const std::vector<Cidr>& cidrs) {
    for (const Cidr& cidr : cidrs)
      elements.push_back({std::string(set) + layout_of(cidr.family()).suffix, range_key(cidr.base),
                          range_key(last_of(cidr))});
  };
  add_ranges("own", rules.own);
  add_ranges("inside", rules.inside);
  std::ranges::sort(elements);
  return elements;
}

}  // namespace fairlead::podnet
