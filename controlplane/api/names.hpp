// The rules for names, label keys and ports, with Kubernetes' words for what breaks them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/status.hpp"
#include "model/ip.hpp"

namespace fairlead::api {

/// What is wrong with a text; empty if nothing is. Several rules can be broken at once.
using Complaints = std::vector<std::string>;

Complaints check_dns1123_label(std::string_view text);
Complaints check_dns1035_label(std::string_view text);
Complaints check_dns1123_subdomain(std::string_view text);
/// [prefix/]name, as in label keys.
Complaints check_qualified_name(std::string_view text);
Complaints check_label_value(std::string_view text);
/// IANA service names, as in named target ports.
Complaints check_port_name(std::string_view text);
Complaints check_port_number(std::int64_t number);
Complaints check_config_key(std::string_view text);

/// An address that a Service or an endpoint may have: not unspecified, loopback, link-local.
Complaints check_non_special_ip(const Ip& ip);

/// One `Invalid value` for each complaint.
void add_invalid(FieldErrors& errors, const std::string& field, const boost::json::value& value,
                 const Complaints& complaints);

inline constexpr std::string_view kBadIp =
    "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
inline constexpr std::string_view kImmutable = "field is immutable";

}  // namespace fairlead::api
