// The constant part of table `inet fairlead`: its sets, chains and rules.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/kernel/nft_objects.hpp"
#include "dataplane/nftables/tables.hpp"
#include "model/plan.hpp"

namespace fairlead::nftables {

struct ChainRules {
  nft::Chain chain;
  std::vector<nft::Rule> rules;
};

/// An element of a map of verdicts.
struct VerdictElement {
  std::string map;
  std::vector<std::uint8_t> key;
  std::int32_t verdict = 0;
  std::string chain;  // of NFT_GOTO
  auto operator<=>(const VerdictElement&) const = default;
};

/// All sets of the table, those of SetId first, in its order.
std::vector<nft::Set> all_sets();

/// All chains but those that draw.
std::vector<ChainRules> fixed_chains(const NodeSettings& node);
std::vector<VerdictElement> fixed_verdicts();

ChainRules draw_chain(const DrawChain& draw);
std::array<VerdictElement, 2> draw_verdicts(const DrawChain& draw);
std::string chain_name(const DrawChain& draw);
/// The reverse; nullopt: no chain that draws is called so.
std::optional<DrawChain> draw_named(std::string_view name);

}  // namespace fairlead::nftables
