// Table `inet fairlead-pods`: whose VXLAN is taken, and what leaves the cluster masqueraded.
//
//   prerouting, output (raw) -> vxlan: UDP to our port, with our VNI
//   postrouting (nat): from own4/own6, to nobody in inside4/inside6
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/kernel/nft_objects.hpp"
#include "dataplane/podnet/overlay.hpp"

namespace fairlead::podnet {

struct MasqueradeOptions {
  bool on = true;
  std::vector<Cidr> except;  // what is of the cluster besides the nodes' podCIDRs, or reaches it
};

/// What the table does, as values. Both off: there is no table.
struct Rules {
  bool filters_vxlan = false;
  std::uint32_t vni = 0;
  Port port{};
  std::vector<Ip> nodes;  // sorted; whose VXLAN is taken
  bool masquerades = false;
  std::vector<Cidr> own, inside;  // as few as can be; of each family sorted
  bool operator==(const Rules&) const = default;
};
Rules rules_of(const Overlay& overlay, const MasqueradeOptions& masquerade);

struct TableChain {
  nft::Chain chain;
  std::vector<nft::Rule> rules;
};
/// `last`: empty where the set has no ranges.
struct TableElement {
  std::string set;
  std::vector<std::uint8_t> key, last;
  auto operator<=>(const TableElement&) const = default;
};
std::vector<nft::Set> table_sets();
std::vector<TableChain> table_chains(const Rules& rules);
/// Sorted.
std::vector<TableElement> table_elements(const Rules& rules);

}  // namespace fairlead::podnet
