// The definitions of the sets, in the order of SetId.
#include <algorithm>

#include "dataplane/nftables/layout.hpp"

namespace fairlead::nftables {
namespace {

using nft::DataType;
using nft::Set;

Set plain_set(std::string name, std::vector<DataType> key) {
  Set set;
  set.name = std::move(name);
  set.key = std::move(key);
  return set;
}

Set map(std::string name, std::vector<DataType> key, std::vector<DataType> data) {
  Set set = plain_set(std::move(name), std::move(key));
  set.data = std::move(data);
  return set;
}

Set verdict_map(std::string name, std::vector<DataType> key) {
  Set set = plain_set(std::move(name), std::move(key));
  set.verdicts = true;
  return set;
}

Set range_set(std::string name, std::vector<DataType> key) {
  Set set = plain_set(std::move(name), std::move(key));
  set.ranges = true;
  return set;
}

constexpr auto k4 = DataType::kIpv4;
constexpr auto k6 = DataType::kIpv6;
constexpr auto kProto = DataType::kInetProto;
constexpr auto kPort = DataType::kInetService;
constexpr auto kMark = DataType::kMark;

// Clients that are remembered at a time, of all Services with affinity. Beyond it new clients are
// served without affinity.
constexpr std::uint32_t kAffinityClients = 1U << 20;

Set affinity_map(std::string name, DataType address) {
  Set set = map(std::move(name), {address, kMark}, {kMark, address, kPort});
  set.from_packets = true;
  set.size = kAffinityClients;
  return set;
}

const std::array<Set, kSetCount>& element_sets() {
  static const std::array<Set, kSetCount> kSets{
      map("frontends4", {k4, kProto, kPort}, {kMark, kMark}),
      map("frontends6", {k6, kProto, kPort}, {kMark, kMark}),
      map("node-ports4", {kProto, kPort}, {kMark, kMark}),
      map("node-ports6", {kProto, kPort}, {kMark, kMark}),
      map("services", {kMark}, {kMark, kMark}),
      map("internal", {kMark}, {kMark, kMark}),
      map("host", {kMark}, {kMark, kMark}),
      map("external", {kMark}, {kMark, kMark}),
      map("backends4", {kMark, kMark}, {k4, kPort}),
      map("backends6", {kMark, kMark}, {k6, kPort}),
      plain_set("members4", {kMark, k4, kPort}),
      plain_set("members6", {kMark, k6, kPort}),
      plain_set("local-members4", {kMark, k4, kPort}),
      plain_set("local-members6", {kMark, k6, kPort}),
      range_set("source-ranges4", {k4, kProto, kPort, k4}),
      range_set("source-ranges6", {k6, kProto, kPort, k6}),
      plain_set("hairpin4", {k4, k4}),
      plain_set("hairpin6", {k6, k6}),
      plain_set("cluster-ips4", {k4}),
      plain_set("cluster-ips6", {k6}),
      plain_set("node-addresses4", {k4}),
      plain_set("node-addresses6", {k6}),
  };
  return kSets;
}

}  // namespace

const Set& set_of(SetId id) { return element_sets()[static_cast<std::size_t>(id)]; }

std::size_t key_bytes(SetId id) { return nft::register_bytes(set_of(id).key); }
std::size_t data_bytes(SetId id) { return nft::register_bytes(set_of(id).data); }

std::vector<Set> all_sets() {
  std::vector<Set> sets(element_sets().begin(), element_sets().end());
  sets.push_back(affinity_map("affinity4", k4));
  sets.push_back(affinity_map("affinity6", k6));
  sets.push_back(affinity_map("local-affinity4", k4));
  sets.push_back(affinity_map("local-affinity6", k6));
  for (const char* name : {"draw4", "draw6", "draw-node4", "draw-node6", "start4", "start6",
                           "start-node4", "start-node6"})
    sets.push_back(verdict_map(name, {kMark}));
  sets.push_back(verdict_map("masquerade-bit", {kMark}));
  return sets;
}

}  // namespace fairlead::nftables
