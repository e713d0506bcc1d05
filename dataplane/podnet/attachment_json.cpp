// Field by field, both ways; what is empty is left out.
#include "dataplane/podnet/attachment_json.hpp"

#include <boost/json.hpp>

namespace fairlead::podnet {
namespace {

namespace json = boost::json;

json::object to_value(const PortMapping& mapping) {
  json::object value{{"hostPort", mapping.host_port.host},
                     {"podPort", mapping.pod_port.host},
                     {"protocol", to_string(mapping.protocol)}};
  if (mapping.host_ip) value["hostIP"] = to_string(*mapping.host_ip);
  return value;
}

json::object to_value(const Bandwidth& bandwidth) {
  return {{"ingressRate", bandwidth.ingress_rate},
          {"ingressBurst", bandwidth.ingress_burst},
          {"egressRate", bandwidth.egress_rate},
          {"egressBurst", bandwidth.egress_burst}};
}

/// Reads fields of one object; the first that cannot be read is the error.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  [[nodiscard]] std::string text(const char* field) const {
    const json::value* value = object_.if_contains(field);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
  }
  [[nodiscard]] std::uint64_t number(const char* field) const {
    const json::value* value = object_.if_contains(field);
    boost::system::error_code error;
    const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(error);
    return error ? 0 : number;
  }
  [[nodiscard]] const json::array& list(const char* field) const {
    static const json::array kNone;
    const json::value* value = object_.if_contains(field);
    return value != nullptr && value->is_array() ? value->get_array() : kNone;
  }
  [[nodiscard]] const json::object& object(const char* field) const {
    static const json::object kNone;
    const json::value* value = object_.if_contains(field);
    return value != nullptr && value->is_object() ? value->get_object() : kNone;
  }

 private:
  const json::object& object_;
};

Result<PortMapping> parse_mapping(const json::value& value) {
  if (!value.is_object()) return invalid("portMappings: not an object");
  const Reader from(value.get_object());
  PortMapping mapping;
  TRY(mapping.host_port, make_port(static_cast<std::int64_t>(from.number("hostPort"))));
  TRY(mapping.pod_port, make_port(static_cast<std::int64_t>(from.number("podPort"))));
  TRY(mapping.protocol, parse_protocol(from.text("protocol")));
  if (const std::string ip = from.text("hostIP"); !ip.empty()) {
    TRY(mapping.host_ip, parse_ip(ip));
  }
  return mapping;
}

Bandwidth parse_bandwidth(const Reader& from) {
  return {from.number("ingressRate"), from.number("ingressBurst"), from.number("egressRate"),
          from.number("egressBurst")};
}

}  // namespace

std::string to_json(const Attachment& attachment) {
  json::object value{
      {"network", attachment.key.network},       {"container", attachment.key.container},
      {"interface", attachment.key.interface},   {"podNamespace", attachment.pod.pod_namespace},
      {"podName", attachment.pod.name},          {"podUID", attachment.pod.uid},
      {"sandbox", attachment.sandbox},           {"netnsCookie", attachment.netns_cookie},
      {"podMac", to_string(attachment.pod_mac)}, {"hostMac", to_string(attachment.host_mac)},
      {"hostLink", attachment.host_link},        {"mtu", attachment.mtu},
      {"created", attachment.created},           {"bandwidth", to_value(attachment.bandwidth)}};
  json::array ips, mappings;
  json::object labels;
  for (const Ip& ip : attachment.ips) ips.emplace_back(to_string(ip));
  for (const PortMapping& mapping : attachment.port_mappings) mappings.push_back(to_value(mapping));
  for (const auto& [name, text] : attachment.labels) labels[name] = text;
  value["ips"] = std::move(ips);
  value["portMappings"] = std::move(mappings);
  value["labels"] = std::move(labels);
  return json::serialize(value);
}

Result<Attachment> attachment_from_json(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return invalid("attachment: no JSON object");
  const Reader from(value.get_object());
  Attachment attachment;
  attachment.key = {from.text("network"), from.text("container"), from.text("interface")};
  attachment.pod = {from.text("podNamespace"), from.text("podName"), from.text("podUID")};
  attachment.sandbox = from.text("sandbox");
  attachment.netns_cookie = from.number("netnsCookie");
  TRY(attachment.pod_mac, parse_mac(from.text("podMac")));
  TRY(attachment.host_mac, parse_mac(from.text("hostMac")));
  attachment.host_link = from.text("hostLink");
  attachment.mtu = static_cast<std::uint32_t>(from.number("mtu"));
  attachment.created = static_cast<std::int64_t>(from.number("created"));
  attachment.bandwidth = parse_bandwidth(Reader(from.object("bandwidth")));
  for (const json::value& item : from.list("ips")) {
    TRY(const Ip ip, parse_ip(item.is_string() ? std::string_view(item.get_string()) : ""));
    attachment.ips.push_back(ip);
  }
  for (const json::value& item : from.list("portMappings")) {
    TRY(const PortMapping mapping, parse_mapping(item));
    attachment.port_mappings.push_back(mapping);
  }
  for (const auto& [name, label] : from.object("labels"))
    if (label.is_string()) attachment.labels[std::string(name)] = std::string(label.get_string());
  if (attachment.host_link.empty()) return invalid("attachment: hostLink is missing");
  return attachment;
}

}  // namespace fairlead::podnet
