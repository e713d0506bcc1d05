// Each rule walks its text once; the texts of the complaints are those of apimachinery's validation
// package.
#include "controlplane/api/names.hpp"

#include <algorithm>

namespace fairlead::api {
namespace {

namespace json = boost::json;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower_alnum(char c) { return is_lower(c) || is_digit(c); }
bool is_alnum(char c) { return is_lower_alnum(c) || is_upper(c); }

/// [a-z0-9]([-a-z0-9]*[a-z0-9])?
bool is_label(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

/// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
bool is_name_part(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::ranges::all_of(
             text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

void check_length(std::string_view text, std::size_t most, Complaints& complaints) {
  if (text.size() > most) {
    complaints.push_back("must be no more than " + std::to_string(most) + " bytes");
  }
}

}  // namespace

Complaints check_dns1123_label(std::string_view text) {
  Complaints complaints;
  check_length(text, 63, complaints);
  if (!is_label(text)) {
    complaints.emplace_back(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
        "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
        "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')");
  }
  return complaints;
}

Complaints check_dns1035_label(std::string_view text) {
  Complaints complaints;
  check_length(text, 63, complaints);
  if (!is_label(text) || !is_lower(text.front())) {
    complaints.emplace_back(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
        "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
        "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')");
  }
  return complaints;
}

Complaints check_dns1123_subdomain(std::string_view text) {
  Complaints complaints;
  check_length(text, 253, complaints);
  bool good = !text.empty();
  for (std::string_view rest = text; good;) {
    std::size_t dot = rest.find('.');
    good = is_label(rest.substr(0, dot));
    if (dot == rest.npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (!good) {
    complaints.emplace_back(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
        "used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')");
  }
  return complaints;
}

Complaints check_qualified_name(std::string_view text) {
  Complaints complaints;
  std::string_view name = text;
  if (std::size_t slash = text.find('/'); slash != text.npos) {
    std::string_view domain = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (domain.empty()) complaints.emplace_back("prefix part must be non-empty");
    if (!domain.empty()) {
      for (const std::string& one : check_dns1123_subdomain(domain)) {
        complaints.push_back("prefix part " + one);
      }
    }
  }
  if (name.empty()) complaints.emplace_back("name part must be non-empty");
  if (name.size() > 63) complaints.emplace_back("name part must be no more than 63 bytes");
  if (!is_name_part(name)) {
    complaints.emplace_back(
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and "
        "end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex "
        "used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')");
  }
  return complaints;
}

Complaints check_label_value(std::string_view text) {
  Complaints complaints;
  check_length(text, 63, complaints);
  if (!text.empty() && !is_name_part(text)) {
    complaints.emplace_back(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
        "'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
  }
  return complaints;
}

Complaints check_port_name(std::string_view text) {
  Complaints complaints;
  check_length(text, 15, complaints);
  if (!std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; }) ||
      text.empty()) {
    complaints.emplace_back(
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!std::ranges::any_of(text, is_lower)) {
    complaints.emplace_back("must contain at least one letter (a-z)");
  }
  if (text.find("--") != text.npos) {
    complaints.emplace_back("must not contain consecutive hyphens");
  }
  if (text.starts_with('-') || text.ends_with('-')) {
    complaints.emplace_back("must not begin or end with a hyphen");
  }
  return complaints;
}

Complaints check_port_number(std::int64_t number) {
  if (number >= 1 && number <= 65535) return {};
  return {"must be between 1 and 65535, inclusive"};
}

Complaints check_config_key(std::string_view text) {
  Complaints complaints;
  check_length(text, 253, complaints);
  bool good = !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.';
  });
  if (!good) {
    complaints.emplace_back(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
        "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
        "'[-._a-zA-Z0-9]+')");
  }
  if (text == "." || text == "..") complaints.push_back("must not be '" + std::string(text) + "'");
  if (text.starts_with("..") && text != "..") complaints.emplace_back("must not start with '..'");
  return complaints;
}

Complaints check_non_special_ip(const Ip& ip) {
  if (ip.is_unspecified()) return {"may not be unspecified (" + to_string(ip) + ")"};
  if (ip.is_loopback()) return {"may not be in the loopback range (127.0.0.0/8, ::1/128)"};
  if (ip.is_link_local()) {
    return {"may not be in the link-local range (169.254.0.0/16, fe80::/10)"};
  }
  if (ip.is_multicast()) {
    return {"may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"};
  }
  return {};
}

void add_invalid(FieldErrors& errors, const std::string& field, const json::value& value,
                 const Complaints& complaints) {
  for (const std::string& complaint : complaints) {
    errors.push_back(invalid_value(field, value, complaint));
  }
}

}  // namespace fairlead::api
