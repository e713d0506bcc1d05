// Type, class, families, ports and annotations -> Wish. The API server has checked the spec; nobody
// has checked the annotations.
#include "controlplane/controllers/service_wish.hpp"

#include <algorithm>
#include <map>

#include "controlplane/api/json_view.hpp"
#include "model/quoted.hpp"

namespace fairlead::controllers {

namespace json = boost::json;
using addresses::Refusal;
using addresses::Wish;

namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::string_view annotation(const json::object& service, std::string_view key) {
  return trimmed(api::text_at(service, {"metadata", "annotations", key}));
}

std::string_view name_of(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }

std::vector<Family> families_of(const json::object& service) {
  std::vector<Family> families;
  for (const json::value& family : api::array_at(service, {"spec", "ipFamilies"})) {
    families.push_back(api::text_of(family) == "IPv6" ? Family::kIpv6 : Family::kIpv4);
  }
  if (families.empty()) families.push_back(Family::kIpv4);
  return families;
}

/// "192.0.2.1, 2001:db8::1": at most one a family, of families that the Service has.
Result<std::vector<Ip>> parse_addresses(std::string_view text,
                                        const std::vector<Family>& families) {
  std::vector<Ip> ips;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    TRY(const Ip ip, parse_ip(trimmed(text.substr(0, comma))));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::string family(name_of(ip.family()));
    if (std::ranges::find(families, ip.family()) == families.end()) {
      return invalid(to_string(ip) + " is " + family + ", and the Service has no such family");
    }
    if (std::ranges::find(ips, ip.family(), &Ip::family) != ips.end()) {
      return invalid("more than one " + family + " address");
    }
    ips.push_back(ip);
  }
  return ips;
}

/// The annotation, or the older field; they may not contradict one another.
Result<std::vector<Ip>> requested_by(const json::object& service,
                                     const std::vector<Family>& families) {
  const std::string_view listed = annotation(service, kAddressesAnnotation);
  const std::string_view field = api::text_at(service, {"spec", "loadBalancerIP"});
  const std::string_view source = listed.empty() ? "spec.loadBalancerIP" : kAddressesAnnotation;
  auto ips = parse_addresses(listed.empty() ? field : listed, families);
  if (!ips) return prefix(source, std::move(ips).error());
  if (listed.empty() || field.empty()) return ips;
  const auto other = parse_ip(field);
  if (other && std::ranges::find(*ips, *other) != ips->end()) return ips;
  return invalid("spec.loadBalancerIP " + quoted(field) + " is not among " +
                 std::string(kAddressesAnnotation) + " " + quoted(listed));
}

/// With policy Local a node without an endpoint drops what arrives, so two Services can only share
/// an address if they have the same Pods.
std::string backend_of(const json::object& service) {
  if (api::text_at(service, {"spec", "externalTrafficPolicy"}) != "Local") return {};
  std::map<std::string, std::string> selector;
  for (const auto& [key, value] : api::object_at(service, {"spec", "selector"})) {
    selector.emplace(key, api::text_of(value));
  }
  std::string text = "Local";
  for (const auto& [key, value] : selector) text.append(1, ':').append(key + "=" + value);
  return text;
}

std::vector<addresses::PortUse> ports_of(const json::object& service) {
  std::vector<addresses::PortUse> ports;
  for (const json::value& entry : api::array_at(service, {"spec", "ports"})) {
    const auto number = make_port(api::integer_at(api::object_of(entry), {"port"}).value_or(0));
    const auto protocol = parse_protocol(api::text_at(api::object_of(entry), {"protocol"}));
    if (number) ports.push_back({protocol.value_or(Protocol::kTcp), *number});
  }
  return ports;
}

}  // namespace

bool wants_address(const json::object& service) {
  const std::string_view of_class = api::text_at(service, {"spec", "loadBalancerClass"});
  return api::text_at(service, {"spec", "type"}) == "LoadBalancer" &&
         (of_class.empty() || of_class.starts_with("fairlead.io/"));
}

Wish wish_of(const json::object& service) {
  Wish wish;
  wish.service = {std::string(api::text_at(service, {"metadata", "namespace"})),
                  std::string(api::text_at(service, {"metadata", "name"}))};
  for (const auto& [key, value] : api::object_at(service, {"metadata", "labels"})) {
    wish.labels.emplace(key, api::text_of(value));
  }
  wish.families = families_of(service);
  wish.needs_all = api::text_at(service, {"spec", "ipFamilyPolicy"}) == "RequireDualStack";
  wish.pool = annotation(service, kPoolAnnotation);
  wish.sharing_key = annotation(service, kSharingAnnotation);
  wish.backend = backend_of(service);
  wish.ports = ports_of(service);
  auto requested = requested_by(service, wish.families);
  if (requested) {
    wish.requested = *std::move(requested);
  } else {
    wish.mistake = Refusal{"BadAddressRequest", std::move(requested).error().doing};
  }
  return wish;
}

std::vector<Ip> held_by(const json::object& service) {
  std::vector<Ip> held;
  for (const json::value& entry : api::array_at(service, {"status", "loadBalancer", "ingress"})) {
    if (const auto ip = parse_ip(api::text_at(api::object_of(entry), {"ip"}))) held.push_back(*ip);
  }
  return held;
}

}  // namespace fairlead::controllers
