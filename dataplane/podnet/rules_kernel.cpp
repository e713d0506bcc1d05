// generation, table, elements -> the same rules? the elements that differ : the whole table anew ->
// one transaction, refused if anybody committed since
#include "dataplane/podnet/rules_kernel.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/diff/diff.hpp"
#include "dataplane/kernel/nft_batch.hpp"
#include "dataplane/kernel/nft_read.hpp"

namespace fairlead::podnet {
namespace {

/// Sets, chains and rules, and no others.
bool has_shape(const nft::TableContent& have, const std::vector<nft::Set>& sets,
               const std::vector<TableChain>& chains) {
  if (have.sets.size() != sets.size() || have.chains.size() != chains.size()) return false;
  const bool same_sets = std::ranges::all_of(sets, [&](const nft::Set& set) {
    const auto found = have.sets.find(set.name);
    return found != have.sets.end() && found->second == set;
  });
  return same_sets && std::ranges::all_of(chains, [&](const TableChain& want) {
           const auto found = have.chains.find(want.chain.name);
           return found != have.chains.end() && found->second.chain == want.chain &&
                  std::ranges::equal(found->second.fingerprints, want.rules,
                                     [](const auto& fingerprint, const nft::Rule& rule) {
                                       return fingerprint == rule.fingerprint;
                                     });
         });
}

Result<bool> read_elements(NetlinkSocket& socket, const std::vector<nft::Set>& sets,
                           std::vector<TableElement>& elements) {
  bool consistent = true;
  for (const nft::Set& set : sets) {
    TRY(const bool complete,
        nft::read_elements(socket, kPodsTable, set.name, [&](const nft::ElementView& view) {
          TableElement element{set.name, {view.key.begin(), view.key.end()}, {}};
          const auto last = view.key_end.empty() ? view.key : view.key_end;
          if (set.ranges) element.last.assign(last.begin(), last.end());
          elements.push_back(std::move(element));
        }));
    consistent &= complete;
  }
  std::ranges::sort(elements);
  return consistent;
}

nft::ElementView view_of(const TableElement& element) {
  nft::ElementView view;
  view.key = element.key;
  view.key_end = element.last;
  return view;
}

std::size_t put_new_table(nft::Batch& batch, bool exists, const std::vector<nft::Set>& sets,
                          const std::vector<TableChain>& chains) {
  std::size_t count = sets.size();
  if (exists) batch.delete_table();
  batch.add_table();
  for (const nft::Set& set : sets) batch.add_set(set);
  for (const TableChain& chain : chains) batch.add_chain(chain.chain);
  for (const TableChain& chain : chains) {
    for (const nft::Rule& rule : chain.rules) batch.add_rule(chain.chain.name, rule);
    count += chain.rules.size();
  }
  return count;
}

}  // namespace

Result<RulesTable> RulesTable::open() {
  TRY(auto socket, NetlinkSocket::open(NETLINK_NETFILTER));
  auto generation = nft::read_generation(socket);
  if (!generation) return prefix("nftables is not usable here", std::move(generation).error());
  return RulesTable(std::move(socket));
}

Result<std::size_t> RulesTable::apply(const Rules& rules) {
  // Where commits of others never stop, the last try goes without protection: theirs are hardly
  // about our table.
  constexpr int kTries = 5;
  for (int attempt = 1;; ++attempt) {
    const bool guarded = attempt < kTries;
    auto done = apply_once(rules, guarded);
    if (done || attempt == kTries) return done;
    if (done.error().code.value() != ERESTART) attempt = kTries - 1;
  }
}

Result<std::size_t> RulesTable::apply_once(const Rules& rules, bool guarded) {
  TRY(const std::uint32_t generation, nft::read_generation(socket_));
  const bool is_known = guarded && written_ && generation_ == generation;
  if (is_known && *written_ == rules) return 0;
  if (!rules.filters_vxlan && !rules.masquerades) {
    TRY_VOID(remove());
    return 0;
  }
  const auto sets = table_sets();
  const auto chains = table_chains(rules);
  const bool same_chains = is_known && written_->vni == rules.vni && written_->port == rules.port &&
                           written_->filters_vxlan == rules.filters_vxlan &&
                           written_->masquerades == rules.masquerades;
  std::vector<TableElement> have;
  bool exists = true, anew = false;
  if (same_chains) {
    have = table_elements(*written_);
  } else {
    TRY(const auto table, nft::read_table(socket_, kPodsTable));
    exists = table.has_value();
    anew = !table || !has_shape(*table, sets, chains);
    bool consistent = true;
    if (!anew) {
      TRY(consistent, read_elements(socket_, sets, have));
    }
    if (guarded && !consistent) return system_error(ERESTART, "read table inet fairlead-pods");
  }
  written_.reset();
  const auto changes = diff<TableElement>(have, table_elements(rules));
  nft::Batch batch(kPodsTable);
  std::size_t written = changes.add.size() + changes.erase.size();
  if (anew) written += put_new_table(batch, exists, sets, chains);
  for (const TableElement& element : changes.erase)
    batch.delete_element(element.set, view_of(element));
  for (const TableElement& element : changes.add) batch.add_element(element.set, view_of(element));
  if (!batch.empty())
    TRY_VOID(batch.commit(socket_, guarded ? std::optional(generation) : std::nullopt));
  if (guarded) {
    written_ = rules;
    generation_ = generation + (batch.empty() ? 0 : 1);
  }
  return written;
}

Result<> RulesTable::remove() {
  written_.reset();
  TRY(const auto table, nft::read_table(socket_, kPodsTable));
  if (!table) return {};
  nft::Batch batch(kPodsTable);
  batch.delete_table();
  return batch.commit(socket_, std::nullopt);
}

}  // namespace fairlead::podnet
