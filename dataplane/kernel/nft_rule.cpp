// Each function appends one or two libnftnl expressions; build() fingerprints their netlink form.
#include "dataplane/kernel/nft_rule.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace fairlead::nft {
namespace {

// The kernel counts registers of four bytes from NFT_REG32_00.
constexpr std::uint32_t number(std::uint32_t reg) { return NFT_REG32_00 + reg; }

std::span<const std::uint8_t> bytes_of(const std::uint32_t& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)};
}

// FNV-1a. Not for secrets: it tells our own rules apart.
std::uint64_t hash_of(std::span<const std::uint8_t> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3U;
  return hash;
}

}  // namespace

void RuleDelete::operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }

RuleBuilder::RuleBuilder() { rule_.expressions.reset(nftnl_rule_alloc()); }

nftnl_expr* RuleBuilder::add(const char* name) {
  nftnl_expr* expression = nftnl_expr_alloc(name);
  if (expression == nullptr) std::abort();  // libnftnl lacks the expression, or there is no memory
  nftnl_rule_add_expr(rule_.expressions.get(), expression);
  return expression;
}

RuleBuilder& RuleBuilder::meta(std::uint32_t key, std::uint32_t reg) {
  nftnl_expr* e = add("meta");
  nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, number(reg));
  return *this;
}

RuleBuilder& RuleBuilder::payload(Header header, std::uint32_t offset, std::uint32_t bytes,
                                  std::uint32_t reg) {
  nftnl_expr* e = add("payload");
  nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, static_cast<std::uint32_t>(header));
  nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, bytes);
  nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, number(reg));
  return *this;
}

RuleBuilder& RuleBuilder::conntrack(std::uint32_t key, std::uint32_t reg) {
  nftnl_expr* e = add("ct");
  nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
  nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, number(reg));
  return *this;
}

RuleBuilder& RuleBuilder::conntrack_original(std::uint32_t key, std::uint32_t reg) {
  nftnl_expr* e = add("ct");
  nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
  nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, 0);  // IP_CT_DIR_ORIGINAL
  nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, number(reg));
  return *this;
}

RuleBuilder& RuleBuilder::address_type(bool of_source, std::uint32_t reg) {
  nftnl_expr* e = add("fib");
  nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
  nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, of_source ? NFTA_FIB_F_SADDR : NFTA_FIB_F_DADDR);
  nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, number(reg));
  return *this;
}

RuleBuilder& RuleBuilder::random(std::uint32_t modulus, std::uint32_t offset, std::uint32_t reg) {
  nftnl_expr* e = add("numgen");
  nftnl_expr_set_u32(e, NFTNL_EXPR_NG_MODULUS, modulus);
  nftnl_expr_set_u32(e, NFTNL_EXPR_NG_TYPE, NFT_NG_RANDOM);
  nftnl_expr_set_u32(e, NFTNL_EXPR_NG_OFFSET, offset);
  nftnl_expr_set_u32(e, NFTNL_EXPR_NG_DREG, number(reg));
  return *this;
}

RuleBuilder& RuleBuilder::mask(std::span<const std::uint8_t> mask,
                               std::span<const std::uint8_t> flip, std::uint32_t reg) {
  nftnl_expr* e = add("bitwise");
  const auto size = static_cast<std::uint32_t>(mask.size());
  nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, number(reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, number(reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
  nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, size);
  nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask.data(), size);
  nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, flip.data(), size);
  return *this;
}

RuleBuilder& RuleBuilder::mask(std::uint32_t mask_value, std::uint32_t flip, std::uint32_t reg) {
  return mask(bytes_of(mask_value), bytes_of(flip), reg);
}

RuleBuilder& RuleBuilder::shift(std::uint32_t operation, std::uint32_t count,
                                std::uint32_t from_reg, std::uint32_t to_reg) {
  nftnl_expr* e = add("bitwise");
  nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, number(from_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, number(to_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, operation);
  nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, sizeof(std::uint32_t));
  nftnl_expr_set(e, NFTNL_EXPR_BITWISE_DATA, &count, sizeof(count));
  return *this;
}

RuleBuilder& RuleBuilder::shift_left(std::uint32_t count, std::uint32_t reg) {
  return shift(NFT_BITWISE_LSHIFT, count, reg, reg);
}

RuleBuilder& RuleBuilder::shift_right(std::uint32_t count, std::uint32_t from_reg,
                                      std::uint32_t to_reg) {
  return shift(NFT_BITWISE_RSHIFT, count, from_reg, to_reg);
}

RuleBuilder& RuleBuilder::pretend_hash(std::uint32_t key_reg, std::uint32_t bytes,
                                       std::uint32_t reg) {
  nftnl_expr* e = add("hash");
  nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
  nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_SREG, number(key_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_DREG, number(reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_LEN, bytes);
  nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_MODULUS, 1);
  return *this;
}

RuleBuilder& RuleBuilder::compare(std::uint32_t operation, std::span<const std::uint8_t> value,
                                  std::uint32_t reg) {
  nftnl_expr* e = add("cmp");
  nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, number(reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, operation);
  nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value.data(), static_cast<std::uint32_t>(value.size()));
  return *this;
}

RuleBuilder& RuleBuilder::equal(std::span<const std::uint8_t> value, std::uint32_t reg) {
  return compare(NFT_CMP_EQ, value, reg);
}

RuleBuilder& RuleBuilder::differs(std::span<const std::uint8_t> value, std::uint32_t reg) {
  return compare(NFT_CMP_NEQ, value, reg);
}

RuleBuilder& RuleBuilder::equal(std::uint32_t value, std::uint32_t reg) {
  return equal(bytes_of(value), reg);
}

RuleBuilder& RuleBuilder::equal_byte(std::uint8_t value, std::uint32_t reg) {
  return equal(std::span<const std::uint8_t>(&value, 1), reg);
}

RuleBuilder& RuleBuilder::is_in(std::string_view set, std::uint32_t key_reg) {
  nftnl_expr* e = add("lookup");
  nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, std::string(set).c_str());
  nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, number(key_reg));
  return *this;
}

RuleBuilder& RuleBuilder::is_not_in(std::string_view set, std::uint32_t key_reg) {
  nftnl_expr* e = add("lookup");
  nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, std::string(set).c_str());
  nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, number(key_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  return *this;
}

RuleBuilder& RuleBuilder::look_up(std::string_view map, std::uint32_t key_reg,
                                  std::uint32_t data_reg) {
  nftnl_expr* e = add("lookup");
  nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, std::string(map).c_str());
  nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, number(key_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, number(data_reg));
  return *this;
}

RuleBuilder& RuleBuilder::look_up_verdict(std::string_view map, std::uint32_t key_reg) {
  nftnl_expr* e = add("lookup");
  nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, std::string(map).c_str());
  nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, number(key_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
  return *this;
}

RuleBuilder& RuleBuilder::update(std::uint32_t operation, std::string_view map,
                                 std::uint32_t key_reg, std::uint32_t data_reg,
                                 std::uint32_t seconds) {
  nftnl_expr* e = add("dynset");
  nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, std::string(map).c_str());
  nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, operation);
  nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, number(key_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_DATA, number(data_reg));
  if (seconds != 0) nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, std::uint64_t{seconds} * 1000);
  return *this;
}

RuleBuilder& RuleBuilder::remember(std::string_view map, std::uint32_t key_reg,
                                   std::uint32_t data_reg, std::uint32_t seconds) {
  return update(NFT_DYNSET_OP_UPDATE, map, key_reg, data_reg, seconds);
}

RuleBuilder& RuleBuilder::forget(std::string_view map, std::uint32_t key_reg,
                                 std::uint32_t data_reg) {
  return update(NFT_DYNSET_OP_DELETE, map, key_reg, data_reg, 0);
}

RuleBuilder& RuleBuilder::verdict(std::uint32_t code, std::string_view chain) {
  nftnl_expr* e = add("immediate");
  nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, code);
  if (!chain.empty()) nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, std::string(chain).c_str());
  return *this;
}

RuleBuilder& RuleBuilder::go_to(std::string_view chain) {
  return verdict(static_cast<std::uint32_t>(NFT_GOTO), chain);
}

RuleBuilder& RuleBuilder::drop() { return verdict(NF_DROP, ""); }

RuleBuilder& RuleBuilder::accept() { return verdict(NF_ACCEPT, ""); }

RuleBuilder& RuleBuilder::counter() {
  add("counter");
  return *this;
}

RuleBuilder& RuleBuilder::untracked() {
  add("notrack");
  return *this;
}

RuleBuilder& RuleBuilder::reject_with_reset() {
  nftnl_expr_set_u32(add("reject"), NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_TCP_RST);
  return *this;
}

RuleBuilder& RuleBuilder::reject_with_unreachable() {
  nftnl_expr* e = add("reject");
  nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
  nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_PORT_UNREACH);
  return *this;
}

RuleBuilder& RuleBuilder::dnat(bool ipv6, std::uint32_t address_reg, std::uint32_t port_reg) {
  nftnl_expr* e = add("nat");
  nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
  nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
  nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, number(address_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, number(port_reg));
  nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
  return *this;
}

RuleBuilder& RuleBuilder::masquerade(std::uint16_t first, std::uint16_t last) {
  for (const std::uint32_t reg : {0U, 1U}) {
    nftnl_expr* e = add("immediate");
    const std::uint16_t port = htons(reg == 0 ? first : last);
    nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, number(reg));
    nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &port, sizeof(port));
  }
  nftnl_expr* e = add("masq");
  nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN, number(0));
  nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MAX, number(1));
  nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_FLAGS,
                     NF_NAT_RANGE_PROTO_RANDOM_FULLY | NF_NAT_RANGE_PROTO_SPECIFIED);
  return *this;
}

Rule RuleBuilder::build(std::string comment) {
  std::vector<char> buffer(16 * 1024);
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  nftnl_rule_nlmsg_build_payload(message, rule_.expressions.get());
  rule_.fingerprint =
      hash_of({reinterpret_cast<const std::uint8_t*>(buffer.data()), message->nlmsg_len});
  rule_.comment = std::move(comment);
  return std::move(rule_);
}

}  // namespace fairlead::nft
