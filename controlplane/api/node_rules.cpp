// Nodes: their pod networks come from the cluster's, first free first, and never change once set.
#include <algorithm>
#include <memory>
#include <set>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/metadata.hpp"
#include "controlplane/api/names.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

std::vector<Cidr> networks_of(const json::object* node) {
  std::vector<Cidr> networks;
  if (node == nullptr) return networks;
  for (const json::value& text : array_at(*node, {"spec", "podCIDRs"})) {
    if (auto cidr = parse_cidr(text_of(text))) networks.push_back(*cidr);
  }
  return networks;
}

SubnetPool* pool_for(Allocators& allocators, Family family) {
  auto found = std::ranges::find(allocators.pod_networks, family, &SubnetPool::family);
  return found == allocators.pod_networks.end() ? nullptr : &*found;
}

void check_taints(const json::array& taints, FieldErrors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (std::size_t i = 0; i < taints.size(); ++i) {
    const json::object& taint = object_of(taints[i]);
    std::string field = indexed("metadata.taints", i);
    std::string_view key = text_at(taint, {"key"}), effect = text_at(taint, {"effect"});
    add_invalid(errors, field + ".key", json::value(key), check_qualified_name(key));
    std::string_view value = text_at(taint, {"value"});
    add_invalid(errors, field + ".value", json::value(value), check_label_value(value));
    if (effect.empty()) {
      errors.push_back(required(field + ".effect"));
    } else if (effect != "NoSchedule" && effect != "PreferNoSchedule" && effect != "NoExecute") {
      errors.push_back(not_supported(field + ".effect", json::value(effect),
                                     {"NoSchedule", "PreferNoSchedule", "NoExecute"}));
    }
    if (!seen.insert({key, effect}).second) {
      errors.push_back(duplicate(field, taints[i]));
    }
  }
}

void check_networks(const json::array& networks, FieldErrors& errors) {
  std::set<Family> families;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    auto cidr = parse_cidr(text_of(networks[i]));
    if (!cidr) {
      errors.push_back(
          invalid_value(indexed("spec.podCIDRs", i), networks[i],
                        "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"));
    } else if (!families.insert(cidr->family()).second) {
      errors.push_back(invalid_value("spec.podCIDRs", networks,
                                     "may specify no more than one CIDR for each IP family"));
    }
  }
}

/// Takes `cidr` until the write fails.
bool hold(SubnetPool& pool, const Cidr& cidr, Reservation& reservation) {
  if (!pool.take(cidr)) return false;
  reservation.on_roll_back([&pool, cidr] { pool.give_back(cidr); });
  return true;
}

}  // namespace

void default_node(json::object& node) {
  json::object& spec = ensure_object(node, "spec");
  ensure_object(node, "status");
  const json::array& all = array_at(spec, {"podCIDRs"});
  std::string_view one = text_at(spec, {"podCIDR"});
  if (all.empty() && !one.empty()) spec["podCIDRs"] = json::array{json::value(one)};
  if (!all.empty() && one.empty()) spec["podCIDR"] = all[0];
}

void validate_node(const json::object& node, FieldErrors& errors) {
  check_taints(array_at(node, {"spec", "taints"}), errors);
  const json::array& networks = array_at(node, {"spec", "podCIDRs"});
  check_networks(networks, errors);
  std::string_view one = text_at(node, {"spec", "podCIDR"});
  if (!networks.empty() && text_of(networks[0]) != one) {
    errors.push_back(invalid_value("spec.podCIDRs[0]", networks[0], "must match `podCIDR`"));
  }
  const json::array& addresses = array_at(node, {"status", "addresses"});
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (std::ranges::count(addresses, addresses[i]) > 1) {
      errors.push_back(duplicate(indexed("status.addresses", i), addresses[i]));
      break;
    }
  }
}

void validate_node_update(const json::object& old, const json::object& node, FieldErrors& errors) {
  const json::array& before = array_at(old, {"spec", "podCIDRs"});
  if (!before.empty() && before != array_at(node, {"spec", "podCIDRs"})) {
    errors.push_back(forbidden_value(
        "spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid"));
  }
  std::string_view id = text_at(old, {"spec", "providerID"});
  if (!id.empty() && id != text_at(node, {"spec", "providerID"})) {
    errors.push_back(forbidden_value(
        "spec.providerID", "node updates may not change providerID except from \"\" to valid"));
  }
}

ApiResult<void> allocate_node(const json::object* old, json::object& node,
                              const WriteContext& context, Reservation& reservation) {
  std::vector<Cidr> had = networks_of(old);
  if (!had.empty() || context.dry_run) return {};
  std::vector<Cidr> asked = networks_of(&node);
  for (const Cidr& cidr : asked) {
    SubnetPool* pool = pool_for(context.allocators, cidr.family());
    if (pool == nullptr || hold(*pool, cidr, reservation)) continue;
    return tl::unexpected(
        invalid_object(*find_resource("", "v1", "nodes"), text_at(node, {"metadata", "name"}),
                       {invalid_value("spec.podCIDRs", array_at(node, {"spec", "podCIDRs"}),
                                      to_string(cidr) + " belongs to another node")}));
  }
  if (!asked.empty() || old != nullptr) return {};
  json::array drawn;
  for (SubnetPool& pool : context.allocators.pod_networks) {
    auto cidr = pool.take_any();
    // As Kubernetes: a Node is registered although no network is left for it.
    if (!cidr) return {};
    reservation.on_roll_back([&pool, subnet = *cidr] { pool.give_back(subnet); });
    drawn.push_back(json::value(to_string(*cidr)));
  }
  if (drawn.empty()) return {};
  json::object& spec = ensure_object(node, "spec");
  spec["podCIDR"] = drawn[0];
  spec["podCIDRs"] = std::move(drawn);
  return {};
}

void release_node(const json::object& node, Allocators& allocators) {
  for (const Cidr& cidr : networks_of(&node)) {
    if (SubnetPool* pool = pool_for(allocators, cidr.family())) pool->give_back(cidr);
  }
}

void adopt_node(const json::object& node, Allocators& allocators, std::vector<Problem>& problems) {
  for (const Cidr& cidr : networks_of(&node)) {
    SubnetPool* pool = pool_for(allocators, cidr.family());
    if (pool != nullptr && !pool->take(cidr)) {
      problems.push_back({"Node " + std::string(text_at(node, {"metadata", "name"})),
                          "spec.podCIDRs", to_string(cidr) + " belongs to another node"});
    }
  }
}

}  // namespace fairlead::api
