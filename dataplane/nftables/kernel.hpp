// Reads table `inet fairlead`, and writes changes to it: the tables' edge to the kernel.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/diff/diff.hpp"
#include "dataplane/kernel/nft_batch.hpp"
#include "dataplane/kernel/nft_read.hpp"
#include "dataplane/nftables/compile.hpp"
#include "dataplane/nftables/layout.hpp"
#include "dataplane/nftables/tables.hpp"

namespace fairlead::nftables {

inline constexpr const char* kTableName = "fairlead";

/// What the kernel has. Without the table: everything is empty.
struct KernelTables {
  bool exists = false;
  /// False: a set is missing or is of another shape, which only a new table mends.
  bool well_formed = false;
  bool consistent = true;  // false: somebody committed while we read
  std::uint32_t generation = 0;
  nft::TableContent content;
  std::vector<Element> elements;                       // sorted
  std::vector<VerdictElement> verdicts;                // sorted
  std::unordered_map<std::string, std::uint32_t> ids;  // by comment_of()
};
Result<KernelTables> read_tables(NetlinkSocket& socket);

/// A Service port's slots as `elements`, sorted, have them.
KnownSlots read_slots(const std::vector<Element>& elements, Family family, std::uint32_t id);

/// Comment of an element of map services; "" for every other.
using CommentOf = std::function<std::string(const Element&)>;

/// Appends deletions, then additions.
void put_elements(nft::Batch& batch, const Diff<Element>& changes,
                  const CommentOf& comment_of_element);
/// Appends a chain with its rules and the verdict that leads to it.
void put_draw_chain(nft::Batch& batch, const DrawChain& draw);

/// Appends what makes the chains, rules and verdicts in the kernel those that are wanted, in two
/// halves, because elements refer to chains and chains to sets: `put_skeleton` before the elements
/// are changed, `remove_leftovers` after it. `draws`: the chains that draw. One too many is not
/// worth a write, so a few that are idle stay.
class Skeleton {
 public:
  Skeleton(const KernelTables& have, const NodeSettings& node, const std::set<DrawChain>& draws);
  void put_skeleton(nft::Batch& batch) const;
  void remove_leftovers(nft::Batch& batch) const;
  /// Names of chains that draw, after this.
  [[nodiscard]] const std::set<std::string>& draw_chains() const { return draw_names_; }

 private:
  struct ChainWork {
    const ChainRules* chain = nullptr;
    bool create = false;
  };

  std::vector<ChainRules> wanted_;
  std::vector<ChainWork> work_;
  Diff<VerdictElement> verdicts_;
  std::vector<std::string> leftover_chains_;
  std::vector<std::string> leftover_sets_;
  std::set<std::string> draw_names_;
};

/// Appends a new table with all of its sets; replaces the one there is.
void put_new_table(nft::Batch& batch, bool exists);

}  // namespace fairlead::nftables
