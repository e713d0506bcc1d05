// prevResult's lists, and ours behind them: interfaces are referred to by their place in the list.
#include "cni/result.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "cni/fields.hpp"

namespace fairlead::cni {

namespace json = boost::json;

namespace {

constexpr std::string_view kGatewayIpv4 = "169.254.1.1", kGatewayIpv6 = "fe80::1";

std::string_view gateway_of(const Ip& ip) { return ip.is_v4() ? kGatewayIpv4 : kGatewayIpv6; }
std::string address_of(const Ip& ip) { return to_string(ip) + (ip.is_v4() ? "/32" : "/128"); }

/// The list in the result, made where it is missing (or null, as Go writes empty lists).
json::array& list_of(json::object& result, std::string_view key) {
  json::value& value = result[key];
  if (!value.is_array()) value.emplace_array();
  return value.get_array();
}

json::object interface_of(std::string_view name, const podnet::Mac& mac, std::string_view sandbox,
                          const podnet::Attachment& attachment, Version version) {
  json::object made{{"name", name}, {"mac", podnet::to_string(mac)}};
  if (!sandbox.empty()) made["sandbox"] = sandbox;
  if (version >= Version::k110) made["mtu"] = attachment.mtu;
  return made;
}

json::object ip_of(const Ip& ip, std::size_t interface, Version version) {
  json::object made{
      {"address", address_of(ip)}, {"gateway", gateway_of(ip)}, {"interface", interface}};
  if (version < Version::k100) made["version"] = ip.is_v4() ? "4" : "6";
  return made;
}

bool contains(const json::array* list, std::string_view key, std::string_view text) {
  return list != nullptr && std::ranges::any_of(*list, [&](const json::value& entry) {
           const auto value = Fields(entry.get_object(), "").string(key);
           return value && *value == text;
         });
}

}  // namespace

json::object result_of(const podnet::Attachment& attachment, const Request& request) {
  json::object result = request.previous;
  result["cniVersion"] = to_string(request.version);
  json::array& interfaces = list_of(result, "interfaces");
  interfaces.push_back(
      interface_of(attachment.host_link, attachment.host_mac, "", attachment, request.version));
  const std::size_t pod_interface = interfaces.size();
  interfaces.push_back(interface_of(attachment.key.interface, attachment.pod_mac,
                                    request.attachment.sandbox, attachment, request.version));
  for (const Ip& ip : attachment.ips) {
    list_of(result, "ips").push_back(ip_of(ip, pod_interface, request.version));
    list_of(result, "routes")
        .push_back(
            json::object{{"dst", ip.is_v4() ? "0.0.0.0/0" : "::/0"}, {"gw", gateway_of(ip)}});
  }
  if (!request.dns.empty() || !result.contains("dns")) result["dns"] = request.dns;
  return result;
}

std::optional<std::string> find_difference(const json::object& previous,
                                           const podnet::Attachment& attachment,
                                           const std::string& sandbox) {
  const Fields fields(previous, "prevResult");
  const auto interfaces = fields.array("interfaces");
  const bool has_interface =
      interfaces && *interfaces != nullptr &&
      std::ranges::any_of(**interfaces, [&](const json::value& entry) {
        const Fields interface(entry.get_object(), "");
        const auto name = interface.string("name"), place = interface.string("sandbox");
        return name && *name == attachment.key.interface && place && *place == sandbox;
      });
  if (!has_interface) {
    return "prevResult.interfaces does not have " + attachment.key.interface + " in " + sandbox;
  }
  const auto ips = fields.array("ips");
  for (const Ip& ip : attachment.ips) {
    if (!ips || !contains(*ips, "address", address_of(ip))) {
      return "prevResult.ips does not have " + address_of(ip);
    }
  }
  return std::nullopt;
}

}  // namespace fairlead::cni
