// ips and mac: four places, one rule of precedence; then what runtimeConfig alone has.
#include "cni/wishes.hpp"

#include <algorithm>

#include "cni/names.hpp"
#include "cni/runtime_config.hpp"
#include "model/quoted.hpp"

namespace fairlead::cni {

namespace json = boost::json;

namespace {

constexpr std::string_view kAnnotations = "io.kubernetes.cri.pod-annotations";

/// "10.0.0.5" or "10.0.0.5/24": the length is that of somebody's bridge, which there is none of.
Outcome<Ip> parse_address(std::string_view text, const std::string& field) {
  const std::size_t slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return wrong_field(field, ip.error().doing);
  if (slash != std::string_view::npos) {
    if (const auto cidr = parse_cidr(text); !cidr) return wrong_field(field, cidr.error().doing);
  }
  if (ip->is_unspecified() || ip->is_loopback() || ip->is_link_local() || ip->is_multicast()) {
    return wrong_field(field, quoted(text) + " is no pod's address");
  }
  return *ip;
}

Outcome<> add_address(std::string_view text, const std::string& field, std::vector<Ip>& ips) {
  TRY(const Ip ip, parse_address(text, field));
  if (std::ranges::count(ips, ip.family(), &Ip::family) > 0) {
    return wrong_field(field, "a second address of the same family");
  }
  ips.push_back(ip);
  return {};
}

Outcome<std::vector<Ip>> addresses_of_list(const json::array& list, const std::string& path) {
  std::vector<Ip> ips;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string field = path_of(path, i);
    TRY(const std::string_view text, as_string(list[i], field));
    TRY_VOID(add_address(text, field, ips));
  }
  return ips;
}

/// "10.0.0.5,fd00::5"
Outcome<std::vector<Ip>> addresses_of_text(std::string_view text, const std::string& field) {
  std::vector<Ip> ips;
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    TRY_VOID(add_address(item, field, ips));
  }
  return ips;
}

/// The objects that may say something; nullopt: absent.
struct Places {
  std::optional<Fields> runtime, annotations, cni;
};

Outcome<Places> find_places(const Fields& config) {
  Places places;
  TRY(places.runtime, config.object("runtimeConfig"));
  if (places.runtime) {
    TRY(places.annotations, places.runtime->object(kAnnotations));
  }
  TRY(const auto args, config.object("args"));
  if (args) {
    TRY(places.cni, args->object("cni"));
  }
  return places;
}

Outcome<std::vector<Ip>> read_ips(const Places& places, const Args& args) {
  for (const auto* place : {&places.runtime, &places.annotations, &places.cni}) {
    if (!*place) continue;
    if (place == &places.annotations) {
      TRY(const auto text, (*place)->string("fairlead.io/ips"));
      if (text && !text->empty()) return addresses_of_text(*text, "annotation fairlead.io/ips");
    } else {
      TRY(const auto list, (*place)->array("ips"));
      if (list != nullptr && !list->empty()) {
        return addresses_of_list(*list, (*place)->path_of("ips"));
      }
    }
  }
  return addresses_of_text(args.ips, "CNI_ARGS: IP");
}

Outcome<podnet::Mac> parse_pod_mac(std::string_view text, const std::string& field) {
  const auto mac = podnet::parse_mac(text);
  if (!mac) return wrong_field(field, mac.error().doing);
  if ((mac->front() & 1) != 0 || *mac == podnet::Mac{}) {
    return wrong_field(field, quoted(text) + " is no interface's address");
  }
  return *mac;
}

Outcome<std::optional<podnet::Mac>> read_mac(const Places& places, const Args& args) {
  for (const auto* place : {&places.runtime, &places.annotations, &places.cni}) {
    if (!*place) continue;
    const char* key = place == &places.annotations ? "fairlead.io/mac" : "mac";
    TRY(const auto text, (*place)->string(key));
    if (text && !text->empty()) return parse_pod_mac(*text, (*place)->path_of(key));
  }
  if (args.mac.empty()) return std::nullopt;
  return parse_pod_mac(args.mac, "CNI_ARGS: MAC");
}

Outcome<> add_label(std::string_view key, const json::value& value, const std::string& field,
                    std::map<std::string, std::string>& labels) {
  TRY(const std::string_view text, as_string(value, field));
  if (!is_label_key(key)) return wrong_field(field, quoted(key) + " is not a label's key");
  if (!is_label_value(text)) return wrong_field(field, quoted(text) + " is not a label's value");
  labels.insert_or_assign(std::string(key), std::string(text));
  return {};
}

/// [{"key": "app", "value": "web"}], as CNI's conventions have it, or {"app": "web"}.
Outcome<std::map<std::string, std::string>> read_labels(const Fields& cni) {
  std::map<std::string, std::string> labels;
  const json::value* value = cni.find("labels");
  if (value == nullptr) return labels;
  const std::string path = cni.path_of("labels");
  if (const auto* object = value->if_object()) {
    for (const auto& [key, text] : *object) TRY_VOID(add_label(key, text, path, labels));
    return labels;
  }
  TRY(const auto list, cni.array("labels"));
  for (std::size_t i = 0; i < list->size(); ++i) {
    TRY(const Fields label, as_fields((*list)[i], path_of(path, i)));
    TRY(const auto key, label.string("key"));
    const json::value* text = label.find("value");
    if (!key || text == nullptr) return wrong_field(path_of(path, i), "needs key and value");
    TRY_VOID(add_label(*key, *text, path_of(path, i), labels));
  }
  return labels;
}

}  // namespace

Outcome<> read_wishes(const Fields& config, const Args& args,
                      podnet::AttachmentRequest& attachment) {
  TRY(const Places places, find_places(config));
  TRY(attachment.ips, read_ips(places, args));
  TRY(attachment.mac, read_mac(places, args));
  if (places.cni) {
    TRY(attachment.labels, read_labels(*places.cni));
  }
  if (places.runtime) TRY_VOID(read_runtime_config(*places.runtime, attachment));
  return {};
}

}  // namespace fairlead::cni
