// Who this node is to its peers.
#pragma once

#include <optional>

#include "dataplane/announce/announce.hpp"

namespace fairlead::announce {

struct Self {
  const Node& node;
  bgp::AsNumber as{};
  bgp::RouterId router_id{};
  /// Set: it reflects routes.
  std::optional<bgp::RouterId> cluster_id{};
  bgp::PerFamily<std::optional<Ip>> address{};  // the Node's first
};

Self know_self(const Options& options, const Node& node);

/// The Node's first of each family.
bgp::PerFamily<std::optional<Ip>> first_addresses(const Node& node);

/// What kReflectorLabel says. Nothing: the label is missing, or no usable id.
std::optional<bgp::RouterId> reflector_id(const Node& node);

/// A number that is not the same for other names, but by bad luck (FNV-1a); never 0.
std::uint32_t number_of(std::string_view name);

}  // namespace fairlead::announce
