// Two pods that reach each other: on one node or on two, by what each pod network makes between
// them.
//
//     client ── node1 ── server                     one node
//     client ── node1 ─────── node2 ── server       plain routes, or VXLAN
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/parts/cni_nodes.hpp"
#include "bench/parts/part.hpp"
#include "bench/world/namespace.hpp"
#include "model/ip.hpp"
#include "model/result.hpp"

namespace fairlead::bench {

struct PodPair {
  std::string way;
  Namespace client, server;
  Ip address{};  // the server's
  std::vector<Namespace> between = {};
  std::vector<std::unique_ptr<PluginNode>> nodes = {};
};

enum class Between : std::uint8_t { kOneNode, kRoutes, kVxlan };
inline constexpr std::array kBetween{Between::kOneNode, Between::kRoutes, Between::kVxlan};
std::string_view to_string(Between between);  // "one node", ...

struct PairWay {
  std::string name;
  std::function<Result<PodPair>(const BenchOptions&)> make;
};
/// The first is a bare veth pair, as near as two namespaces can be.
std::vector<PairWay> pair_ways(Between between);

}  // namespace fairlead::bench
