// spec.clusterIPs, spec.ipFamilies and spec.ipFamilyPolicy: three fields that must agree, with each
// other and with the cluster. First what can be told from the Service alone (validate_cluster_ips),
// then what the cluster's prefixes allow (decide_families).
#include <algorithm>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/names.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

std::string_view family_name(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }

const ResourceType& service_type() { return *find_resource("", "v1", "services"); }

/// Each entry of clusterIPs by itself. False if one is malformed, which would make the other
/// complaints misleading.
bool check_entries(const json::array& ips, FieldErrors& errors) {
  std::size_t before = errors.size();
  for (std::size_t i = 0; i < ips.size(); ++i) {
    if (i == 0 && text_of(ips[i]) == "None") {
      if (ips.size() > 1) {
        errors.push_back(
            invalid_value("spec.clusterIPs", ips, "'None' must be the first and only value"));
      }
    } else if (!parse_ip(text_of(ips[i]))) {
      errors.push_back(invalid_value(indexed("spec.clusterIPs", i), ips[i], kBadIp));
    }
  }
  return errors.size() == before;
}

void check_ips_against_families(const json::array& ips, const json::array& families,
                                FieldErrors& errors) {
  for (std::size_t i = 0; i < std::min(ips.size(), families.size()); ++i) {
    auto ip = parse_ip(text_of(ips[i]));
    if (!ip || family_name(ip->family()) == text_of(families[i])) continue;
    errors.push_back(invalid_value(indexed("spec.clusterIPs", i), ips[i],
                                   "expected an " + std::string(text_of(families[i])) +
                                       " value as indicated by `ipFamilies[" + std::to_string(i) +
                                       "]`"));
  }
}

void check_families(const json::array& families, FieldErrors& errors) {
  for (std::size_t i = 0; i < families.size(); ++i) {
    std::string field = indexed("spec.ipFamilies", i);
    std::string_view family = text_of(families[i]);
    if (family != "IPv4" && family != "IPv6") {
      errors.push_back(not_supported(field, families[i], {"IPv4", "IPv6"}));
    } else if (i > 0 && families[i] == families[0]) {
      errors.push_back(duplicate(field, families[i]));
    }
  }
}

void check_policy(std::string_view policy, FieldErrors& errors) {
  if (policy.empty() || policy == "SingleStack" || policy == "PreferDualStack" ||
      policy == "RequireDualStack") {
    return;
  }
  errors.push_back(not_supported("spec.ipFamilyPolicy", json::value(policy),
                                 {"SingleStack", "PreferDualStack", "RequireDualStack"}));
}

/// A change to SingleStack gives up the second address and family, unless the client has just
/// written them.
void drop_second_family(const json::object& old, json::object& spec) {
  if (text_at(spec, {"ipFamilyPolicy"}) != "SingleStack") return;
  for (std::string_view key : {"clusterIPs", "ipFamilies"}) {
    const json::array& before = array_at(old, {"spec", key});
    if (before.size() == 2 && array_at(spec, {key}) == before) spec[key] = json::array{before[0]};
  }
}

void check_policy_against_rest(const json::object* old, const json::object& spec,
                               FieldErrors& errors) {
  std::string_view policy = text_at(spec, {"ipFamilyPolicy"});
  json::value shown = policy.empty() ? json::value() : json::value(policy);
  const json::array& ips = array_at(spec, {"clusterIPs"});
  const json::array& families = array_at(spec, {"ipFamilies"});
  bool single = policy.empty() || policy == "SingleStack";
  if (single && families.size() == 2) {
    errors.push_back(invalid_value(
        "spec.ipFamilyPolicy", shown,
        "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"));
  }
  if (single && ips.size() == 2) {
    errors.push_back(invalid_value(
        "spec.ipFamilyPolicy", shown,
        "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"));
  }
  if (old == nullptr || single) return;
  bool had_two = array_at(*old, {"spec", "clusterIPs"}).size() == 2;
  if (had_two && ips.size() == 1 && array_at(*old, {"spec", "clusterIPs"})[0] == ips[0]) {
    errors.push_back(invalid_value("spec.ipFamilyPolicy", shown,
                                   "must be 'SingleStack' to release the secondary cluster IP"));
  }
}

void check_against_cluster(const json::object& spec, const Allocators& allocators,
                           FieldErrors& errors) {
  const json::array& families = array_at(spec, {"ipFamilies"});
  for (std::size_t i = 0; i < families.size(); ++i) {
    bool configured = std::ranges::any_of(allocators.cluster_ips, [&](const IpPool& pool) {
      return family_name(pool.cidr().family()) == text_of(families[i]);
    });
    if (!configured) {
      errors.push_back(invalid_value(indexed("spec.ipFamilies", i), families[i],
                                     "not configured on this cluster"));
    }
  }
  if (text_at(spec, {"ipFamilyPolicy"}) == "RequireDualStack" &&
      allocators.cluster_ips.size() < 2) {
    errors.push_back(invalid_value("spec.ipFamilyPolicy", "RequireDualStack",
                                   "this cluster is not configured for dual-stack services"));
  }
}

json::array infer_families(const json::object& spec) {
  json::array families = array_at(spec, {"ipFamilies"});
  const json::array& ips = array_at(spec, {"clusterIPs"});
  for (std::size_t i = families.size(); i < ips.size(); ++i) {
    if (auto ip = parse_ip(text_of(ips[i])))
      families.push_back(json::value(family_name(ip->family())));
  }
  return families;
}

void add_other_family(json::array& families) {
  if (families.size() == 1) families.push_back(text_of(families[0]) == "IPv4" ? "IPv6" : "IPv4");
}

}  // namespace

void validate_cluster_ips(const json::object& service, FieldErrors& errors) {
  if (text_at(service, {"spec", "type"}) == "ExternalName") return;
  std::string_view primary = text_at(service, {"spec", "clusterIP"});
  const json::array& ips = array_at(service, {"spec", "clusterIPs"});
  const json::array& families = array_at(service, {"spec", "ipFamilies"});
  if (!ips.empty() && text_of(ips[0]) != primary) {
    errors.push_back(invalid_value("spec.clusterIPs", ips, "first value must match `clusterIP`"));
  }
  check_families(families, errors);
  check_policy(text_at(service, {"spec", "ipFamilyPolicy"}), errors);
  if (ips.size() > 2) {
    errors.push_back(invalid_value("spec.clusterIPs", ips, "may only hold up to 2 values"));
  }
  if (families.size() > 2) {
    errors.push_back(invalid_value("spec.ipFamilies", families, "may only hold up to 2 values"));
  }
  if (!check_entries(ips, errors) || is_headless(service)) return;
  if (ips.size() == 2 &&
      parse_ip(text_of(ips[0]))->family() == parse_ip(text_of(ips[1]))->family()) {
    errors.push_back(invalid_value("spec.clusterIPs", ips,
                                   "may specify no more than one IP for each IP family"));
  }
  check_ips_against_families(ips, families, errors);
}

ApiResult<void> decide_families(const json::object* old, json::object& service,
                                const Allocators& allocators) {
  if (text_at(service, {"spec", "type"}) == "ExternalName") return {};
  json::object& spec = ensure_object(service, "spec");
  if (old != nullptr) drop_second_family(*old, spec);
  FieldErrors errors;
  validate_cluster_ips(service, errors);
  if (errors.empty()) {
    check_policy_against_rest(old, spec, errors);
    spec["ipFamilies"] = infer_families(spec);
    bool headless_without_selector = is_headless(service) && object_at(spec, {"selector"}).empty();
    if (!headless_without_selector) check_against_cluster(spec, allocators, errors);
  }
  if (!errors.empty()) {
    return tl::unexpected(
        invalid_object(service_type(), text_at(service, {"metadata", "name"}), errors));
  }
  json::array families = array_at(spec, {"ipFamilies"});
  if (families.empty()) {
    families.push_back(json::value(family_name(allocators.cluster_ips.front().cidr().family())));
  }
  std::string policy(text_at(spec, {"ipFamilyPolicy"}));
  bool headless_without_selector = is_headless(service) && object_at(spec, {"selector"}).empty();
  if (policy.empty()) policy = headless_without_selector ? "RequireDualStack" : "SingleStack";
  bool dual_cluster = allocators.cluster_ips.size() == 2;
  if (policy != "SingleStack" && (dual_cluster || headless_without_selector)) {
    add_other_family(families);
  }
  spec["ipFamilies"] = std::move(families);
  spec["ipFamilyPolicy"] = policy;
  return {};
}

}  // namespace fairlead::api
