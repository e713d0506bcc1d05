// prerouting, output -> services4/6 -> [ranges] -> [by-scope] -> draw…; postrouting ->
// masquerade4/6. tables.hpp draws it.
//
// Registers are used in one way in all rules. With W registers to an address (1 or 4):
//   0 … W-1        the client's address       key of affinity, with the id
//   W              id of the Service port     key of backends, with the slot; of members, with what
//   follows W+1 … 2W       the backend's address;     before that, W+1 is the slot's number 2W+1
//   the backend's port 4 …            the frontend's key, before any of these 9, 10          id and
//   handle              10 shifted is the key of services, or the id 12 …           whatever a rule
//   compares 14, 15         seconds and draw           15 is the key of the verdict
#include "dataplane/nftables/layout.hpp"

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include <charconv>
#include <cstring>

#include "dataplane/kernel/nft_rule.hpp"

namespace fairlead::nftables {
namespace {

using nft::Header;
using nft::RuleBuilder;

constexpr std::uint32_t kKey = 4, kId = 9, kHandle = 10, kSeconds = 14, kDraw = 15;
constexpr std::uint32_t kScratch = 12;

// Before other nat chains of the same hooks (-100, 100), whose DNAT would otherwise win:
// CVE-2019-9946.
// Source ports of who is masqueraded. Below are those of the eBPF datapath, which knows nothing of
// conntrack's choice when both have flows on a node, and the NodePorts.
constexpr std::uint16_t kFirstSourcePort = 32768, kLastSourcePort = 65535;

constexpr std::int32_t kDnatPriority = -105;
constexpr std::int32_t kSnatPriority = 95;

// What differs between the families.
struct FamilyLayout {
  char suffix;
  bool ipv6;
  std::uint32_t width;  // registers that an address takes
  std::uint32_t address_bytes;
  std::uint32_t source_offset, destination_offset;  // in the network header
  std::uint32_t original_destination;               // NFT_CT_…
  std::uint8_t nfproto;

  [[nodiscard]] std::string name(std::string_view base) const {
    return fmt::format("{}{}", base, suffix);
  }
};
constexpr FamilyLayout kIpv4Layout{'4', false, 1, 4, 12, 16, NFT_CT_DST_IP, NFPROTO_IPV4};
constexpr FamilyLayout kIpv6Layout{'6', true, 4, 16, 8, 24, NFT_CT_DST_IP6, NFPROTO_IPV6};

const FamilyLayout& layout_of(Family family) {
  return family == Family::kIpv4 ? kIpv4Layout : kIpv6Layout;
}

// nft prints a rule with addresses only where the rule itself says of which family they are.
RuleBuilder rule_of(const FamilyLayout& f) {
  RuleBuilder rule;
  rule.meta(NFT_META_NFPROTO, kScratch).equal_byte(f.nfproto, kScratch);
  return rule;
}

void load_source(RuleBuilder& rule, const FamilyLayout& f, std::uint32_t reg) {
  rule.payload(Header::kNetwork, f.source_offset, f.address_bytes, reg);
}

void load_destination(RuleBuilder& rule, const FamilyLayout& f, std::uint32_t reg) {
  rule.payload(Header::kNetwork, f.destination_offset, f.address_bytes, reg);
}

void load_protocol_and_port(RuleBuilder& rule, std::uint32_t reg) {
  rule.meta(NFT_META_L4PROTO, reg).payload(Header::kTransport, 2, 2, reg + 1);
}

std::uint32_t key_bytes_of(const FamilyLayout& f, bool by_port) {
  return by_port ? 8 : f.address_bytes + 8;
}

// The frontend's key is loaded; its handle into kHandle.
void look_up_handle(RuleBuilder& rule, const FamilyLayout& f, bool by_port) {
  rule.look_up(f.name(by_port ? "node-ports" : "frontends"), kKey, kId);
}

void load_key(RuleBuilder& rule, const FamilyLayout& f, bool by_port) {
  if (!by_port) load_destination(rule, f, kKey);
  load_protocol_and_port(rule, by_port ? kKey : kKey + f.width);
}

// The same in postrouting, where the packet no longer has the destination that the client chose.
void load_original_key(RuleBuilder& rule, const FamilyLayout& f, bool by_port) {
  const std::uint32_t protocol = by_port ? kKey : kKey + f.width;
  if (!by_port) rule.conntrack_original(f.original_destination, kKey);
  rule.meta(NFT_META_L4PROTO, protocol).conntrack_original(NFT_CT_PROTO_DST, protocol + 1);
}

std::string draw_map(const FamilyLayout& f, bool by_port) {
  return f.name(by_port ? "draw-node" : "draw");
}
// The same, and the ways to by-scope and ranges; the kernel refuses a map that leads to a chain
// which uses it.
std::string start_map(const FamilyLayout& f, bool by_port) {
  return f.name(by_port ? "start-node" : "start");
}

void choose(RuleBuilder& rule, const FamilyLayout& f, bool by_port, std::string_view choices,
            std::string_view verdicts) {
  load_key(rule, f, by_port);
  rule.pretend_hash(kKey, key_bytes_of(f, by_port), kHandle)
      .pretend_hash(kKey, key_bytes_of(f, by_port), kDraw);
  look_up_handle(rule, f, by_port);
  rule.shift_right(kServiceShift, kHandle, kHandle).look_up(choices, kHandle, kSeconds);
  rule.look_up_verdict(verdicts, kDraw);
}

std::string comment_on_choice(const FamilyLayout& f, bool by_port, std::string_view choices,
                              std::string_view verdicts) {
  return fmt::format("{}[{}[{} >> 3]]", verdicts, choices,
                     f.name(by_port ? "node-ports" : "frontends"));
}

void match_prefix(RuleBuilder& rule, const FamilyLayout& f, const Cidr& cidr, bool of_source) {
  if (of_source)
    load_source(rule, f, kScratch);
  else
    load_destination(rule, f, kScratch);
  std::array<std::uint8_t, 16> mask{};
  for (std::size_t bit = 0; bit < cidr.length; ++bit)
    mask[bit / 8] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
  const std::array<std::uint8_t, 16> zero{};
  rule.mask(std::span(mask).first(f.address_bytes), std::span(zero).first(f.address_bytes),
            kScratch);
  rule.equal(std::span(cidr.base.bytes).last(f.address_bytes), kScratch);
}

// One rule for each way to be internal; none where nothing is. `body` completes each.
template <class Body>
void add_internal_rules(std::vector<nft::Rule>& rules, const FamilyLayout& f,
                        const DetectLocal& detect, Body body) {
  const auto add = [&](auto match) {
    RuleBuilder rule = rule_of(f);
    match(rule);
    std::string comment = body(rule);
    rules.push_back(rule.build(std::move(comment)));
  };
  switch (detect.mode) {
    case DetectLocal::Mode::kNone:
      return;
    case DetectLocal::Mode::kCidr:
      for (const Cidr& cidr : detect.cidrs)
        if (layout_of(cidr.family()).ipv6 == f.ipv6)
          add([&](RuleBuilder& rule) { match_prefix(rule, f, cidr, true); });
      return;
    case DetectLocal::Mode::kInterface:
    case DetectLocal::Mode::kInterfacePrefix: {
      std::array<std::uint8_t, 16> name{};  // IFNAMSIZ
      const std::size_t size = std::min(detect.interface.size(), name.size() - 1);
      std::memcpy(name.data(), detect.interface.data(), size);
      const bool whole = detect.mode == DetectLocal::Mode::kInterface;
      add([&](RuleBuilder& rule) {
        rule.meta(NFT_META_IIFNAME, kScratch)
            .equal(std::span(name).first(whole ? name.size() : size), kScratch);
      });
      return;
    }
  }
}

// Scopes in the order host, internal, external: the node may have an address out of the pods'
// range. Whoever has a verdict for all three leaves at the first that applies.
template <class Body>
void add_scope_rules(std::vector<nft::Rule>& rules, const FamilyLayout& f,
                     const DetectLocal& detect, Body body) {
  RuleBuilder host = rule_of(f);
  host.address_type(true, kScratch).equal(std::uint32_t{RTN_LOCAL}, kScratch);
  std::string host_comment = body(host, Scope::kHost);
  rules.push_back(host.build(std::move(host_comment)));
  add_internal_rules(rules, f, detect,
                     [&](RuleBuilder& rule) { return body(rule, Scope::kInternal); });
  RuleBuilder external = rule_of(f);
  std::string external_comment = body(external, Scope::kExternal);
  rules.push_back(external.build(std::move(external_comment)));
}

ChainRules by_scope_chain(const FamilyLayout& f, bool by_port, const DetectLocal& detect) {
  ChainRules chain{{f.name(by_port ? "by-scope-node" : "by-scope"), {}}, {}};
  add_scope_rules(chain.rules, f, detect, [&](RuleBuilder& rule, Scope scope) {
    constexpr std::array kChoices{"internal", "host", "external"};
    const char* choices = kChoices[static_cast<std::size_t>(scope)];
    choose(rule, f, by_port, choices, draw_map(f, by_port));
    return comment_on_choice(f, by_port, choices, draw_map(f, by_port));
  });
  chain.rules.push_back(RuleBuilder().drop().build());
  return chain;
}

ChainRules ranges_chain(const FamilyLayout& f) {
  ChainRules chain{{f.name("ranges"), {}}, {}};
  RuleBuilder allowed = rule_of(f);
  load_destination(allowed, f, 0);
  load_protocol_and_port(allowed, f.width);
  load_source(allowed, f, f.width + 2);
  chain.rules.push_back(
      allowed.is_in(f.name("source-ranges"), 0).go_to(f.name("by-scope")).build());
  chain.rules.push_back(RuleBuilder().drop().build());
  return chain;
}

nft::Rule node_port_rule(const FamilyLayout& f, NodeSettings::NodePorts where) {
  RuleBuilder rule = rule_of(f);
  switch (where) {
    case NodeSettings::NodePorts::kListed:
      load_destination(rule, f, 0);
      rule.is_in(f.name("node-addresses"), 0);
      break;
    case NodeSettings::NodePorts::kAnyLocal: {
      rule.address_type(false, kScratch).equal(std::uint32_t{RTN_LOCAL}, kScratch);
      load_destination(rule, f, kScratch);
      constexpr std::array<std::uint8_t, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0,
                                                        0, 0, 0, 0, 0, 0, 0, 1};
      constexpr std::array<std::uint8_t, 4> kMask4{255, 0, 0, 0}, kLoopback4{127, 0, 0, 0}, kZero{};
      if (f.ipv6)
        rule.differs(kLoopback6, kScratch);
      else
        rule.mask(kMask4, kZero, kScratch).differs(kLoopback4, kScratch);
      break;
    }
  }
  choose(rule, f, true, "services", start_map(f, true));
  return rule.build(comment_on_choice(f, true, "services", start_map(f, true)));
}

ChainRules services_chain(const FamilyLayout& f, const NodeSettings& node) {
  ChainRules chain{{f.name("services"), {}}, {}};
  RuleBuilder frontends = rule_of(f);
  choose(frontends, f, false, "services", start_map(f, false));
  chain.rules.push_back(
      frontends.build(comment_on_choice(f, false, "services", start_map(f, false))));
  chain.rules.push_back(node_port_rule(f, f.ipv6 ? node.node_ports_v6 : node.node_ports_v4));
  RuleBuilder unknown_port = rule_of(f);
  load_destination(unknown_port, f, 0);
  chain.rules.push_back(unknown_port.is_in(f.name("cluster-ips"), 0).go_to("refuse").build());
  for (const Cidr& cidr : node.service_cidrs) {
    if (layout_of(cidr.family()).ipv6 != f.ipv6) continue;
    RuleBuilder unallocated = rule_of(f);
    match_prefix(unallocated, f, cidr, false);
    chain.rules.push_back(unallocated.drop().build());
  }
  return chain;
}

ChainRules masquerade_chain(const FamilyLayout& f, const NodeSettings& node) {
  ChainRules chain{{f.name("masquerade"), {}}, {}};
  RuleBuilder hairpin = rule_of(f);
  load_source(hairpin, f, 0);
  load_destination(hairpin, f, f.width);
  chain.rules.push_back(
      hairpin.is_in(f.name("hairpin"), 0).masquerade(kFirstSourcePort, kLastSourcePort).build());
  for (const bool by_port : {false, true}) {
    add_scope_rules(chain.rules, f, node.detect_local, [&](RuleBuilder& rule, Scope scope) {
      load_original_key(rule, f, by_port);
      rule.pretend_hash(kKey, key_bytes_of(f, by_port), kHandle);
      look_up_handle(rule, f, by_port);
      const auto bit = static_cast<std::uint32_t>(scope);
      rule.shift_left(31 - bit, kHandle)
          .shift_right(31, kHandle, kHandle)
          .look_up_verdict("masquerade-bit", kHandle);
      return fmt::format("masquerade-bit[bit {} of {}]", bit,
                         f.name(by_port ? "node-ports" : "frontends"));
    });
  }
  return chain;
}

ChainRules refuse_chain() {
  ChainRules chain{{"refuse", {}}, {}};
  RuleBuilder tcp;
  tcp.meta(NFT_META_L4PROTO, kScratch).equal_byte(IPPROTO_TCP, kScratch).reject_with_reset();
  chain.rules.push_back(tcp.build());
  chain.rules.push_back(RuleBuilder().reject_with_unreachable().build());
  return chain;
}

ChainRules base_chain(std::string name, std::uint32_t hook, std::int32_t priority) {
  return {{std::move(name), nft::Hook{"nat", hook, priority}}, {}};
}

std::vector<ChainRules> base_chains() {
  std::vector<ChainRules> chains;
  chains.push_back(base_chain("prerouting", NF_INET_PRE_ROUTING, kDnatPriority));
  chains.push_back(base_chain("output", NF_INET_LOCAL_OUT, kDnatPriority));
  for (ChainRules& chain : chains)
    for (const FamilyLayout& f : {kIpv4Layout, kIpv6Layout})
      chain.rules.push_back(rule_of(f).go_to(f.name("services")).build());
  ChainRules postrouting = base_chain("postrouting", NF_INET_POST_ROUTING, kSnatPriority);
  for (const FamilyLayout& f : {kIpv4Layout, kIpv6Layout}) {
    const std::uint32_t none = 0;
    postrouting.rules.push_back(
        rule_of(f)
            .conntrack(NFT_CT_STATUS, kScratch)
            .mask(std::uint32_t{IPS_DST_NAT}, 0, kScratch)
            .differs({reinterpret_cast<const std::uint8_t*>(&none), sizeof(none)}, kScratch)
            .go_to(f.name("masquerade"))
            .build());
  }
  chains.push_back(std::move(postrouting));
  return chains;
}

// Id of the packet's Service port into W; with affinity, the client's address into 0 …
void load_id(RuleBuilder& rule, const FamilyLayout& f, const DrawChain& draw) {
  if (draw.choice.seconds == 0) {
    load_key(rule, f, draw.by_port);
    rule.pretend_hash(kKey, key_bytes_of(f, draw.by_port), kHandle);
  } else {
    // Keys of several lengths begin at 0 and at W, so nft must believe in the longest; what is too
    // much is overwritten.
    rule.payload(Header::kNetwork, f.source_offset, f.address_bytes + 4, 0);
    rule.payload(Header::kNetwork, f.source_offset, f.address_bytes + 8, kHandle);
    load_destination(rule, f, f.width + 1);
    rule.payload(Header::kTransport, 2, 2, 2 * f.width + 1);
    load_key(rule, f, draw.by_port);
  }
  look_up_handle(rule, f, draw.by_port);
  rule.shift_right(kIdShift, kHandle, f.width);
}

// One of the first `count` backends into W+1 …
void load_backend(RuleBuilder& rule, const FamilyLayout& f, const DrawChain& draw,
                  std::uint32_t count) {
  rule.random(count, is_local(draw.choice) ? kLocalSlots : 0, f.width + 1);
  rule.look_up(f.name("backends"), f.width, f.width + 1);
}

void to_backend(RuleBuilder& rule, const FamilyLayout& f) {
  rule.dnat(f.ipv6, f.width + 1, 2 * f.width + 1);
}

void add_affinity_rules(std::vector<nft::Rule>& rules, const FamilyLayout& f,
                        const DrawChain& draw) {
  const std::string affinity = f.name(is_local(draw.choice) ? "local-affinity" : "affinity");
  const std::string members = f.name(is_local(draw.choice) ? "local-members" : "members");
  // The backend that served this client, if it still belongs to the group.
  RuleBuilder known = rule_of(f);
  load_id(known, f, draw);
  known.look_up(affinity, 0, f.width)
      .shift_right(kIdShift, kHandle, f.width)
      .is_in(members, f.width);
  known.remember(affinity, 0, f.width, draw.choice.seconds);
  to_backend(known, f);
  rules.push_back(known.build(fmt::format("to {}[client], if in {}", affinity, members)));
  // Else one by lot. An element that exists is refreshed but not changed, so a stale one is
  // forgotten first.
  RuleBuilder first = rule_of(f);
  load_id(first, f, draw);
  load_backend(first, f, draw, count_of(draw.choice));
  first.forget(affinity, 0, f.width).remember(affinity, 0, f.width, draw.choice.seconds);
  to_backend(first, f);
  rules.push_back(first.build(fmt::format("to backends[random], remembered in {}", affinity)));
}

VerdictElement verdict_on(std::string map, std::uint32_t key, std::int32_t verdict,
                          std::string chain = {}) {
  VerdictElement element{std::move(map), std::vector<std::uint8_t>(sizeof(key)), verdict,
                         std::move(chain)};
  std::memcpy(element.key.data(), &key, sizeof(key));
  return element;
}

}  // namespace

std::vector<ChainRules> fixed_chains(const NodeSettings& node) {
  std::vector<ChainRules> chains;
  chains.push_back(refuse_chain());
  chains.push_back({{"masquerade-all", {}}, {}});
  chains.back().rules.push_back(
      RuleBuilder().masquerade(kFirstSourcePort, kLastSourcePort).build());
  for (const FamilyLayout& f : {kIpv4Layout, kIpv6Layout}) {
    chains.push_back(by_scope_chain(f, false, node.detect_local));
    chains.push_back(by_scope_chain(f, true, node.detect_local));
    chains.push_back(ranges_chain(f));
    chains.push_back(services_chain(f, node));
    chains.push_back(masquerade_chain(f, node));
  }
  for (ChainRules& chain : base_chains()) chains.push_back(std::move(chain));
  return chains;
}

std::vector<VerdictElement> fixed_verdicts() {
  std::vector<VerdictElement> elements;
  for (const FamilyLayout& f : {kIpv4Layout, kIpv6Layout}) {
    for (const bool by_port : {false, true}) {
      for (const std::string& map : {draw_map(f, by_port), start_map(f, by_port)}) {
        elements.push_back(verdict_on(map, kRejectChoice.draw, NFT_GOTO, "refuse"));
        elements.push_back(verdict_on(map, kDropChoice.draw, NF_DROP));
      }
      const std::string by_scope = f.name(by_port ? "by-scope-node" : "by-scope");
      elements.push_back(
          verdict_on(start_map(f, by_port), kByScopeChoice.draw, NFT_GOTO, by_scope));
    }
    elements.push_back(
        verdict_on(start_map(f, false), kRangesChoice.draw, NFT_GOTO, f.name("ranges")));
  }
  elements.push_back(verdict_on("masquerade-bit", 0, NFT_RETURN));
  elements.push_back(verdict_on("masquerade-bit", 1, NFT_GOTO, "masquerade-all"));
  return elements;
}

ChainRules draw_chain(const DrawChain& draw) {
  const FamilyLayout& f = layout_of(draw.family);
  ChainRules chain{{chain_name(draw), {}}, {}};
  if (draw.choice.seconds != 0) add_affinity_rules(chain.rules, f, draw);
  // Without affinity, or where the map of remembered clients is full. The second of these rules is
  // for the packet that meets a commit between two look-ups, so that the count that it has is no
  // longer right; slot 0 is always there.
  std::vector<std::uint32_t> counts{count_of(draw.choice)};
  if (counts.front() != 1) counts.push_back(1);
  for (const std::uint32_t from : counts) {
    RuleBuilder rule = rule_of(f);
    load_id(rule, f, draw);
    load_backend(rule, f, draw, from);
    to_backend(rule, f);
    chain.rules.push_back(rule.build(fmt::format(
        "backends[{} >> 12 . random]", f.name(draw.by_port ? "node-ports" : "frontends"))));
  }
  // Let through, it would become a connection that no later packet can redirect. Dropped, the
  // client's next attempt works.
  chain.rules.push_back(RuleBuilder().drop().build());
  return chain;
}

std::array<VerdictElement, 2> draw_verdicts(const DrawChain& draw) {
  const FamilyLayout& f = layout_of(draw.family);
  return {verdict_on(draw_map(f, draw.by_port), draw.choice.draw, NFT_GOTO, chain_name(draw)),
          verdict_on(start_map(f, draw.by_port), draw.choice.draw, NFT_GOTO, chain_name(draw))};
}

std::string chain_name(const DrawChain& draw) {
  std::string name = fmt::format("{}{}-{}", draw_map(layout_of(draw.family), draw.by_port),
                                 is_local(draw.choice) ? "-local" : "", count_of(draw.choice));
  if (draw.choice.seconds != 0) name += fmt::format("-for-{}s", draw.choice.seconds);
  return name;
}

std::optional<DrawChain> draw_named(std::string_view name) {
  const auto dash = name.find_last_of('-', name.find("-for-") - 1);
  if (!name.starts_with("draw") || dash == std::string_view::npos) return std::nullopt;
  std::uint32_t count = 0, seconds = 0;
  const auto digits = name.substr(dash + 1);
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(digits.data(), end, count);
  constexpr std::string_view kFor = "-for-";
  if (std::string_view(parsed.ptr, end).starts_with(kFor))
    std::from_chars(parsed.ptr + kFor.size(), end, seconds);
  if (count == 0 || count >= kBackendLimit || seconds > kAffinityLimit) return std::nullopt;
  // Whatever else is in the name shows when it is put together again.
  for (const Family family : {Family::kIpv4, Family::kIpv6})
    for (const bool by_port : {false, true})
      for (const bool local : {false, true}) {
        const DrawChain draw{family, by_port, draw_choice(count, local, seconds)};
        if (chain_name(draw) == name) return draw;
      }
  return std::nullopt;
}

}  // namespace fairlead::nftables
