// read_tables: generation, then chains, rules and sets, then the elements of our sets, sorted for
// the diff. Skeleton:    compares chains by their rules' fingerprints, and verdicts, and names what
// nobody wants. put_…:       changes become messages of a batch.
#include "dataplane/nftables/kernel.hpp"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>

namespace fairlead::nftables {
namespace {

// A number of backends that was in use comes back soon; this many chains may wait for that.
constexpr std::size_t kIdleDrawChains = 64;

std::uint8_t prefix_of(std::span<const std::uint8_t> first, std::span<const std::uint8_t> last,
                       std::size_t bytes) {
  std::uint8_t length = 0;
  for (std::size_t bit = 0; bit < bytes * 8; ++bit, ++length) {
    const std::size_t at = first.size() - bytes + bit / 8;
    const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
    if ((first[at] & mask) != (last[at] & mask)) break;
  }
  return length;
}

std::size_t address_bytes(SetId id) {
  return set_of(id).key.back() == nft::DataType::kIpv6 ? 16 : 4;
}

Element to_element(SetId id, const nft::ElementView& view) {
  Element element;
  element.set = id;
  std::memcpy(element.key.data(), view.key.data(), std::min(view.key.size(), element.key.size()));
  std::memcpy(element.data.data(), view.data.data(),
              std::min(view.data.size(), element.data.size()));
  if (set_of(id).ranges && view.key.size() == key_bytes(id))
    element.prefix =
        prefix_of(view.key, view.key_end.empty() ? view.key : view.key_end, address_bytes(id));
  return element;
}

Result<> read_elements_into(NetlinkSocket& socket, KernelTables& tables) {
  for (std::size_t i = 0; i < kSetCount; ++i) {
    const auto id = static_cast<SetId>(i);
    TRY(const bool consistent,
        nft::read_elements(socket, kTableName, set_of(id).name, [&](const nft::ElementView& view) {
          const Element& element = tables.elements.emplace_back(to_element(id, view));
          if (id == SetId::kServices && !view.comment.empty())
            tables.ids.emplace(view.comment, id_in_key(element));
        }));
    tables.consistent &= consistent;
  }
  std::ranges::sort(tables.elements);
  return {};
}

Result<> read_verdicts_into(NetlinkSocket& socket, KernelTables& tables) {
  for (const nft::Set& set : all_sets()) {
    if (!set.verdicts) continue;
    TRY(const bool consistent,
        nft::read_elements(socket, kTableName, set.name, [&](const nft::ElementView& view) {
          tables.verdicts.push_back({set.name,
                                     {view.key.begin(), view.key.end()},
                                     view.verdict.value_or(NFT_CONTINUE),
                                     std::string(view.chain)});
        }));
    tables.consistent &= consistent;
  }
  std::ranges::sort(tables.verdicts);
  return {};
}

bool has_all_sets(const nft::TableContent& content) {
  return std::ranges::all_of(all_sets(), [&](const nft::Set& set) {
    const auto found = content.sets.find(set.name);
    return found != content.sets.end() && found->second == set;
  });
}

bool is_as_wanted(const nft::ChainContent& have, const ChainRules& want) {
  return std::ranges::equal(have.fingerprints, want.rules,
                            [](const auto& fingerprint, const nft::Rule& rule) {
                              return fingerprint == rule.fingerprint;
                            });
}

nft::ElementView view_of(const VerdictElement& element) {
  nft::ElementView view;
  view.key = element.key;
  view.verdict = element.verdict;
  view.chain = element.chain;
  return view;
}

// The last key of an element's range: the same fields, and all host bits of the last one set.
std::array<std::uint8_t, 40> range_end(const Element& element) {
  std::array<std::uint8_t, 40> end = element.key;
  const std::size_t bytes = address_bytes(element.set);
  const std::size_t start = key_bytes(element.set) - bytes;
  for (std::size_t bit = element.prefix; bit < bytes * 8; ++bit)
    end[start + bit / 8] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
  return end;
}

template <class Put>
void with_view(const Element& element, Put put) {
  nft::ElementView view;
  view.key = std::span(element.key).first(key_bytes(element.set));
  view.data = std::span(element.data).first(data_bytes(element.set));
  if (!set_of(element.set).ranges) return put(view);
  const auto end = range_end(element);
  view.key_end = std::span(end).first(key_bytes(element.set));
  put(view);
}

// And those that the kernel has besides, unless they are too many. Whoever touched the table may
// have spoilt them too, so they are compared and mended like those in use.
std::set<DrawChain> with_idle(const std::set<DrawChain>& draws, const KernelTables& have) {
  std::set<DrawChain> all = draws;
  if (!have.well_formed) return all;
  for (const auto& [name, content] : have.content.chains)
    if (const auto draw = draw_named(name)) all.insert(*draw);
  return all.size() - draws.size() <= kIdleDrawChains ? all : draws;
}

}  // namespace

Result<KernelTables> read_tables(NetlinkSocket& socket) {
  KernelTables tables;
  TRY(tables.generation, nft::read_generation(socket));
  TRY(auto content, nft::read_table(socket, kTableName));
  if (!content) return tables;
  tables.exists = true;
  tables.content = std::move(*content);
  tables.consistent = tables.content.consistent;
  tables.well_formed = has_all_sets(tables.content);
  if (!tables.well_formed) return tables;
  TRY_VOID(read_elements_into(socket, tables));
  TRY_VOID(read_verdicts_into(socket, tables));
  return tables;
}

KnownSlots read_slots(const std::vector<Element>& elements, Family family, std::uint32_t id) {
  const Element first = backend_element(family, id, 0, {any_address(family), {}});
  const auto is_of_id = [&](const Element& element) {
    return element.set == first.set &&
           std::memcmp(element.key.data(), first.key.data(), sizeof(id)) == 0;
  };
  KnownSlots known;
  for (auto at = std::ranges::lower_bound(elements, first); at != elements.end() && is_of_id(*at);
       ++at) {
    const auto [number, slot] = read_backend_element(*at);
    auto& slots = number < kLocalSlots ? known.cluster : known.local;
    const std::size_t index = number % kLocalSlots;
    // What somebody else put there may be numbered anyhow.
    if (index >= elements.size()) continue;
    if (index >= slots.size()) slots.resize(index + 1);
    slots[index] = slot;
  }
  return known;
}

void put_elements(nft::Batch& batch, const Diff<Element>& changes,
                  const CommentOf& comment_of_element) {
  for (const Element& element : changes.erase)
    with_view(element, [&](nft::ElementView& view) {
      view.data = {};
      batch.delete_element(set_of(element.set).name, view);
    });
  for (const Element& element : changes.add)
    with_view(element, [&](nft::ElementView& view) {
      const std::string comment =
          element.set == SetId::kServices ? comment_of_element(element) : std::string();
      view.comment = comment;
      batch.add_element(set_of(element.set).name, view);
    });
}

void put_draw_chain(nft::Batch& batch, const DrawChain& draw) {
  const ChainRules chain = draw_chain(draw);
  batch.add_chain(chain.chain);
  for (const nft::Rule& rule : chain.rules) batch.add_rule(chain.chain.name, rule);
  for (const VerdictElement& verdict : draw_verdicts(draw))
    batch.add_element(verdict.map, view_of(verdict));
}

Skeleton::Skeleton(const KernelTables& have, const NodeSettings& node,
                   const std::set<DrawChain>& draws)
    : wanted_(fixed_chains(node)) {
  std::vector<VerdictElement> verdicts = fixed_verdicts();
  std::set<std::string, std::less<>> names;
  for (const DrawChain& draw : with_idle(draws, have)) {
    wanted_.push_back(draw_chain(draw));
    std::ranges::copy(draw_verdicts(draw), std::back_inserter(verdicts));
    draw_names_.insert(wanted_.back().chain.name);
  }
  for (const ChainRules& chain : wanted_) {
    names.insert(chain.chain.name);
    const auto found = have.content.chains.find(chain.chain.name);
    const bool exists = have.well_formed && found != have.content.chains.end();
    if (!exists || !is_as_wanted(found->second, chain)) work_.push_back({&chain, !exists});
  }
  if (have.well_formed) {
    for (const auto& [name, content] : have.content.chains)
      if (!names.contains(name)) leftover_chains_.push_back(name);
    std::set<std::string, std::less<>> known_sets;
    for (const nft::Set& set : all_sets()) known_sets.insert(set.name);
    for (const auto& [name, set] : have.content.sets)
      if (!known_sets.contains(name)) leftover_sets_.push_back(name);
  }
  std::ranges::sort(verdicts);
  verdicts_ = diff<VerdictElement>(have.verdicts, verdicts);
}

void Skeleton::put_skeleton(nft::Batch& batch) const {
  for (const ChainWork& work : work_) {
    if (work.create)
      batch.add_chain(work.chain->chain);
    else
      batch.flush_chain(work.chain->chain.name);
  }
  for (const ChainWork& work : work_)
    for (const nft::Rule& rule : work.chain->rules) batch.add_rule(work.chain->chain.name, rule);
  for (const VerdictElement& element : verdicts_.erase) {
    nft::ElementView view;
    view.key = element.key;
    batch.delete_element(element.map, view);
  }
  for (const VerdictElement& element : verdicts_.add)
    batch.add_element(element.map, view_of(element));
}

void Skeleton::remove_leftovers(nft::Batch& batch) const {
  // Rules first, because they may refer to the sets and to one another's chains.
  for (const std::string& name : leftover_chains_) batch.flush_chain(name);
  for (const std::string& name : leftover_sets_) batch.delete_set(name);
  for (const std::string& name : leftover_chains_) batch.delete_chain(name);
}

void put_new_table(nft::Batch& batch, bool exists) {
  if (exists) batch.delete_table();
  batch.add_table();
  for (const nft::Set& set : all_sets()) batch.add_set(set);
}

}  // namespace fairlead::nftables
