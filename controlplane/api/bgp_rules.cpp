// BGPPeers and BGPAdvertisements: defaults as the chart's CustomResourceDefinitions have them, and
// what no session could be made of.
#include <limits>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/names.hpp"
#include "controlplane/api/rules.hpp"
#include "controlplane/api/selector_rules.hpp"
#include "model/bgp_objects.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::int64_t kHighest = std::numeric_limits<std::uint32_t>::max();

struct Default {
  std::string_view key;
  std::int64_t value;
};
void fill(json::object& section, std::initializer_list<Default> defaults) {
  for (const auto& [key, value] : defaults) {
    if (!section.contains(key)) section[key] = value;
  }
}

void check_address(const json::object& spec, FieldErrors& errors) {
  const std::string_view text = text_at(spec, {"address"});
  if (text.empty()) {
    errors.push_back(required("spec.address"));
    return;
  }
  const auto ip = parse_ip(text);
  if (!ip) {
    errors.push_back(invalid_value("spec.address", json::value(text), kBadIp));
  } else {
    add_invalid(errors, "spec.address", json::value(text), check_non_special_ip(*ip));
  }
}

void check_hold_time(const json::object& spec, FieldErrors& errors) {
  const auto hold = integer_at(spec, {"holdTimeSeconds"});
  if (hold && *hold != 0 && (*hold < 3 || *hold > 65535)) {
    errors.push_back(invalid_value("spec.holdTimeSeconds", *hold,
                                   "must be 0, or between 3 and 65535, inclusive"));
  }
  const auto keepalive = integer_at(spec, {"keepaliveSeconds"});
  if (keepalive && hold && *hold > 0 && *keepalive >= *hold) {
    errors.push_back(
        invalid_value("spec.keepaliveSeconds", *keepalive, "must be less than holdTimeSeconds"));
  }
}

void check_password(const json::object& spec, FieldErrors& errors) {
  if (!spec.contains("passwordSecretRef")) return;
  for (std::string_view key : {"namespace", "name"}) {
    const std::string field = "spec.passwordSecretRef." + std::string(key);
    const std::string_view text = text_at(spec, {"passwordSecretRef", key});
    if (text.empty()) {
      errors.push_back(required(field));
    } else {
      add_invalid(errors, field, json::value(text), check_dns1123_subdomain(text));
    }
  }
  const std::string_view key = text_at(spec, {"passwordSecretRef", "key"});
  add_invalid(errors, "spec.passwordSecretRef.key", json::value(key), check_config_key(key));
}

void check_import(const json::object& rule, const std::string& field, FieldErrors& errors) {
  const std::string_view text = text_at(rule, {"prefix"});
  const auto prefix = parse_cidr(text);
  if (!prefix) {
    errors.push_back(
        invalid_value(field + ".prefix", json::value(text),
                      "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"));
    return;
  }
  const std::int64_t longest = prefix->family() == Family::kIpv4 ? 32 : 128;
  const std::int64_t least = integer_at(rule, {"minLength"}).value_or(prefix->length);
  validate_bounds(rule, field + ".", "minLength", prefix->length, longest, errors);
  validate_bounds(rule, field + ".", "maxLength", std::max<std::int64_t>(least, prefix->length),
                  longest, errors);
}

void check_role(const json::object& spec, FieldErrors& errors) {
  const std::string_view role = text_at(spec, {"role"});
  constexpr std::string_view kRoles[] = {"Provider", "RouteServer", "RouteServerClient", "Customer",
                                         "Peer"};
  if (role.empty() || std::ranges::find(kRoles, role) != std::end(kRoles)) return;
  errors.push_back(
      not_supported("spec.role", json::value(role), {std::begin(kRoles), std::end(kRoles)}));
}

}  // namespace

void default_bgp_peer(json::object& peer) {
  json::object& spec = ensure_object(peer, "spec");
  fill(spec, {{"port", 179},
              {"holdTimeSeconds", 90},
              {"connectRetrySeconds", 10},
              {"gracefulRestartSeconds", 120},
              {"maxPrefixes", BgpPeer::kDefaultMaxPrefixes}});
  if (array_at(spec, {"families"}).empty()) spec["families"] = json::array{"IPv4", "IPv6"};
  if (spec.contains("bfd")) {
    json::object& bfd = ensure_object(spec, "bfd");
    if (!bfd.contains("enabled")) bfd["enabled"] = true;
    fill(bfd, {{"intervalMilliseconds", 300}, {"multiplier", 3}});
  }
  if (spec.contains("passwordSecretRef")) {
    json::object& secret = ensure_object(spec, "passwordSecretRef");
    if (text_at(secret, {"key"}).empty()) secret["key"] = "password";
  }
}

void validate_bgp_peer(const json::object& peer, FieldErrors& errors) {
  const json::object& spec = object_at(peer, {"spec"});
  check_address(spec, errors);
  if (!spec.contains("asn")) errors.push_back(required("spec.asn"));
  const auto bounds = [&](std::string_view key, std::int64_t least, std::int64_t most) {
    validate_bounds(spec, "spec.", key, least, most, errors);
  };
  bounds("port", 1, 65535);
  bounds("asn", 1, kHighest);
  bounds("localASN", 1, kHighest);
  bounds("keepaliveSeconds", 1, 21845);
  bounds("connectRetrySeconds", 1, 65535);
  bounds("ebgpMultihop", 1, 255);
  bounds("gracefulRestartSeconds", 0, 4095);
  bounds("maxPrefixes", 1, kHighest);
  check_hold_time(spec, errors);
  if (true_at(spec, {"ttlSecurity"}) && integer_at(spec, {"ebgpMultihop"}).value_or(1) > 1) {
    errors.push_back(
        forbidden_value("spec.ttlSecurity", "may not be set together with ebgpMultihop"));
  }
  const json::object& bfd = object_at(spec, {"bfd"});
  validate_bounds(bfd, "spec.bfd.", "intervalMilliseconds", 10, 60'000, errors);
  validate_bounds(bfd, "spec.bfd.", "multiplier", 2, 255, errors);
  validate_selector(spec, "nodeSelector", errors);
  validate_choices(spec, "families", {"IPv4", "IPv6"}, errors);
  check_password(spec, errors);
  check_role(spec, errors);
  const json::array& imports = array_at(spec, {"importPrefixes"});
  for (std::size_t i = 0; i < imports.size(); ++i) {
    check_import(object_of(imports[i]), indexed("spec.importPrefixes", i), errors);
  }
}

void default_bgp_advertisement(json::object& advertisement) {
  json::object& spec = ensure_object(advertisement, "spec");
  fill(spec, {{"aggregationLength", 32}, {"aggregationLengthV6", 128}});
}

void validate_bgp_advertisement(const json::object& advertisement, FieldErrors& errors) {
  const json::object& spec = object_at(advertisement, {"spec"});
  if (array_at(spec, {"routes"}).empty()) errors.push_back(required("spec.routes"));
  validate_choices(spec, "routes", {"PodCIDR", "ClusterIP", "ExternalIP", "LoadBalancerIP"},
                   errors);
  validate_names(spec, "pools", errors);
  validate_names(spec, "peers", errors);
  validate_selector(spec, "serviceSelector", errors);
  validate_selector(spec, "nodeSelector", errors);
  const auto bounds = [&](std::string_view key, std::int64_t most) {
    validate_bounds(spec, "spec.", key, 0, most, errors);
  };
  bounds("localPreference", kHighest);
  bounds("med", kHighest);
  bounds("asPathPrepend", 10);
  bounds("aggregationLength", 32);
  bounds("aggregationLengthV6", 128);
  const json::array& communities = array_at(spec, {"communities"});
  for (std::size_t i = 0; i < communities.size(); ++i) {
    Communities one;
    if (one.add(text_of(communities[i]))) continue;
    errors.push_back(invalid_value(indexed("spec.communities", i), communities[i],
                                   "must be ASN:NUMBER, ASN:NUMBER:NUMBER or a well-known name, "
                                   "(e.g. 65000:100, 65000:1:2 or no-export)"));
  }
}

}  // namespace fairlead::api
