// Builds a rule expression by expression. Registers are the 16 of four bytes each: reg 0 to 15.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/kernel/nft_objects.hpp"

struct nftnl_expr;

namespace fairlead::nft {

/// Where a load starts in the packet.
enum class Header : std::uint8_t { kNetwork = 1, kTransport = 2 };

class RuleBuilder {
 public:
  RuleBuilder();

  // Loads.
  RuleBuilder& meta(std::uint32_t key, std::uint32_t reg);  // NFT_META_…
  RuleBuilder& payload(Header header, std::uint32_t offset, std::uint32_t bytes, std::uint32_t reg);
  RuleBuilder& conntrack(std::uint32_t key, std::uint32_t reg);  // NFT_CT_…, without direction
  RuleBuilder& conntrack_original(std::uint32_t key,
                                  std::uint32_t reg);  // NFT_CT_… of the client's direction
  RuleBuilder& address_type(bool of_source, std::uint32_t reg);  // fib: RTN_…
  /// `offset` to `offset` + `modulus` - 1.
  /// A hash of `bytes` from key_reg on, which is always zero: for what it looks like in `nft list`,
  /// see look_up().
  RuleBuilder& pretend_hash(std::uint32_t key_reg, std::uint32_t bytes, std::uint32_t reg);
  RuleBuilder& random(std::uint32_t modulus, std::uint32_t offset, std::uint32_t reg);

  // Arithmetic and matches. Values are in the byte order of the register: network for packets, host
  // for marks.
  RuleBuilder& mask(std::span<const std::uint8_t> mask, std::span<const std::uint8_t> flip,
                    std::uint32_t reg);
  RuleBuilder& mask(std::uint32_t mask, std::uint32_t flip, std::uint32_t reg);
  /// Of a number in host byte order. `count`: 1 to 31.
  RuleBuilder& shift_left(std::uint32_t count, std::uint32_t reg);
  RuleBuilder& shift_right(std::uint32_t count, std::uint32_t from_reg, std::uint32_t to_reg);
  RuleBuilder& equal(std::span<const std::uint8_t> value, std::uint32_t reg);
  RuleBuilder& differs(std::span<const std::uint8_t> value, std::uint32_t reg);
  RuleBuilder& equal(std::uint32_t value, std::uint32_t reg);
  RuleBuilder& equal_byte(std::uint8_t value, std::uint32_t reg);

  // Sets. `nft list` aborts on a look-up of what was looked up (nft 1.0.6 and later: it takes the
  // size of a map's data for zero). It keeps one expression for each register that something was
  // written *from*, so the way out is data of two registers of which only the second becomes a key:
  // nft then prints what it believes to be in there, which pretend_hash() or a payload had to put
  // there before. Rules that do this have a comment that says what they really do.
  RuleBuilder& is_in(std::string_view set, std::uint32_t key_reg);
  RuleBuilder& is_not_in(std::string_view set, std::uint32_t key_reg);
  RuleBuilder& look_up(std::string_view map, std::uint32_t key_reg, std::uint32_t data_reg);
  RuleBuilder& look_up_verdict(std::string_view map, std::uint32_t key_reg);
  /// Adds or refreshes an element that lasts for `seconds`.
  RuleBuilder& remember(std::string_view map, std::uint32_t key_reg, std::uint32_t data_reg,
                        std::uint32_t seconds);
  RuleBuilder& forget(std::string_view map, std::uint32_t key_reg, std::uint32_t data_reg);

  /// Packets and bytes that came so far in the rule.
  RuleBuilder& counter();
  /// Connection tracking leaves the packet alone. Before it: at priorities below -200.
  RuleBuilder& untracked();

  // Ends.
  RuleBuilder& go_to(std::string_view chain);
  RuleBuilder& drop();
  RuleBuilder& accept();
  RuleBuilder& reject_with_reset();
  RuleBuilder& reject_with_unreachable();  // ICMP or ICMPv6 port unreachable
  /// `ipv6`: of the family that the registers hold.
  RuleBuilder& dnat(bool ipv6, std::uint32_t address_reg, std::uint32_t port_reg);
  /// With a random source port of these (host byte order). Overwrites registers 0 and 1.
  RuleBuilder& masquerade(std::uint16_t first, std::uint16_t last);

  /// The rule; `comment` is what `nft list` prints beside it. The builder is spent.
  Rule build(std::string comment = {});

 private:
  nftnl_expr* add(const char* name);
  RuleBuilder& shift(std::uint32_t operation, std::uint32_t count, std::uint32_t from_reg,
                     std::uint32_t reg);
  RuleBuilder& compare(std::uint32_t operation, std::span<const std::uint8_t> value,
                       std::uint32_t reg);
  RuleBuilder& verdict(std::uint32_t code, std::string_view chain);
  RuleBuilder& update(std::uint32_t operation, std::string_view map, std::uint32_t key_reg,
                      std::uint32_t data_reg, std::uint32_t seconds);

  Rule rule_;
};

}  // namespace fairlead::nft
