// Cells as Kubernetes' printers make them: people's eyes and scripts' awk know their places and
// their words.
#include "controlplane/api/table_cells.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/table.hpp"
#include "objects/decode.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kNone = "<none>";
constexpr std::string_view kUnset = "<unset>";

std::string or_else(std::string_view text, std::string_view otherwise) {
  return std::string(text.empty() ? otherwise : text);
}

std::string join(const std::vector<std::string>& texts, std::string_view separator) {
  std::string result;
  for (const std::string& text : texts) {
    if (!result.empty()) result += separator;
    result += text;
  }
  return result;
}

std::string since(std::string_view text, Time now) {
  auto time = parse_time(text);
  return time ? human_duration(*time, now) : "<unknown>";
}

std::string age(const json::object& object, Time now) {
  return since(text_at(object, {"metadata", "creationTimestamp"}), now);
}

json::value name_cell(const json::object& object) {
  return json::value(text_at(object, {"metadata", "name"}));
}

std::vector<std::string> texts_of(const json::array& array) {
  std::vector<std::string> texts;
  for (const json::value& value : array) texts.emplace_back(text_of(value));
  return texts;
}

std::string number_text(const json::object& object, std::string_view key) {
  return std::to_string(integer_at(object, {key}).value_or(0));
}

std::string external_ip(const json::object& service) {
  std::string_view type = text_at(service, {"spec", "type"});
  std::vector<std::string> external = texts_of(array_at(service, {"spec", "externalIPs"}));
  if (type == "ExternalName") return std::string(text_at(service, {"spec", "externalName"}));
  if (type != "LoadBalancer") return or_else(join(external, ","), kNone);
  std::vector<std::string> balanced;
  for (const json::value& ingress : array_at(service, {"status", "loadBalancer", "ingress"})) {
    std::string_view ip = text_at(object_of(ingress), {"ip"});
    balanced.emplace_back(ip.empty() ? text_at(object_of(ingress), {"hostname"}) : ip);
  }
  balanced.insert(balanced.end(), external.begin(), external.end());
  return or_else(join(balanced, ","), "<pending>");
}

std::string service_ports(const json::object& service) {
  std::vector<std::string> ports;
  for (const json::value& entry : array_at(service, {"spec", "ports"})) {
    const json::object& port = object_of(entry);
    std::string text = number_text(port, "port");
    if (integer_at(port, {"nodePort"}).value_or(0) != 0)
      text += ":" + number_text(port, "nodePort");
    ports.push_back(text + "/" + std::string(text_at(port, {"protocol"})));
  }
  return or_else(join(ports, ","), kNone);
}

std::string label_text(const json::object& labels) {
  std::set<std::string> parts;
  for (const auto& [key, value] : labels)
    parts.insert(std::string(key) + "=" + std::string(text_of(value)));
  return or_else(join({parts.begin(), parts.end()}, ","), kNone);
}

std::string node_status(const json::object& node) {
  std::string status = "Unknown";
  for (const json::value& condition : array_at(node, {"status", "conditions"})) {
    if (text_at(object_of(condition), {"type"}) != "Ready") continue;
    status = text_at(object_of(condition), {"status"}) == "True" ? "Ready" : "NotReady";
  }
  return true_at(node, {"spec", "unschedulable"}) ? status + ",SchedulingDisabled" : status;
}

std::string node_roles(const json::object& node) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  for (const auto& [key, value] : object_at(node, {"metadata", "labels"})) {
    if (key.starts_with(kPrefix) && key.size() > kPrefix.size()) {
      roles.emplace(std::string_view(key).substr(kPrefix.size()));
    } else if (key == "kubernetes.io/role" && !text_of(value).empty()) {
      roles.emplace(text_of(value));
    }
  }
  return or_else(join({roles.begin(), roles.end()}, ","), kNone);
}

std::string node_address(const json::object& node, std::string_view type) {
  for (const json::value& address : array_at(node, {"status", "addresses"})) {
    if (text_at(object_of(address), {"type"}) == type) {
      return std::string(text_at(object_of(address), {"address"}));
    }
  }
  return std::string(kNone);
}

/// What a container that is not running says of itself: the most telling thing about a Pod.
std::string container_reason(const json::object& status) {
  std::string_view waiting = text_at(status, {"state", "waiting", "reason"});
  if (!waiting.empty()) return std::string(waiting);
  const json::object& ended = object_at(status, {"state", "terminated"});
  if (ended.empty()) return {};
  std::string_view reason = text_at(ended, {"reason"});
  if (!reason.empty()) return std::string(reason);
  if (integer_at(ended, {"signal"}).value_or(0) != 0)
    return "Signal:" + number_text(ended, "signal");
  return "ExitCode:" + number_text(ended, "exitCode");
}

std::string pod_status(const json::object& pod) {
  std::string status =
      or_else(text_at(pod, {"status", "reason"}), text_at(pod, {"status", "phase"}));
  for (const json::value& container : array_at(pod, {"status", "containerStatuses"})) {
    std::string reason = container_reason(object_of(container));
    if (!reason.empty()) status = reason;
  }
  if (text_at(pod, {"metadata", "deletionTimestamp"}).empty()) return status;
  return text_at(pod, {"status", "reason"}) == "NodeLost" ? "Unknown" : "Terminating";
}

/// "2/3", by container statuses, or by the Pod's Ready condition where whoever runs it reports no
/// containers.
std::string pod_ready(const json::object& pod) {
  std::size_t total = array_at(pod, {"spec", "containers"}).size(), ready = 0;
  const json::array& statuses = array_at(pod, {"status", "containerStatuses"});
  for (const json::value& status : statuses) ready += true_at(object_of(status), {"ready"}) ? 1 : 0;
  for (const json::value& condition : array_at(pod, {"status", "conditions"})) {
    bool says_ready = text_at(object_of(condition), {"type"}) == "Ready" &&
                      text_at(object_of(condition), {"status"}) == "True";
    if (statuses.empty() && says_ready) ready = total;
  }
  return std::to_string(ready) + "/" + std::to_string(total);
}

std::string pod_restarts(const json::object& pod) {
  std::int64_t count = 0;
  for (const json::value& status : array_at(pod, {"status", "containerStatuses"})) {
    count += integer_at(object_of(status), {"restartCount"}).value_or(0);
  }
  return std::to_string(count);
}

std::string readiness_gates(const json::object& pod) {
  const json::array& gates = array_at(pod, {"spec", "readinessGates"});
  if (gates.empty()) return std::string(kNone);
  std::size_t passed = 0;
  for (const json::value& gate : gates) {
    std::string_view wanted = text_at(object_of(gate), {"conditionType"});
    for (const json::value& condition : array_at(pod, {"status", "conditions"})) {
      passed += text_at(object_of(condition), {"type"}) == wanted &&
                        text_at(object_of(condition), {"status"}) == "True"
                    ? 1
                    : 0;
    }
  }
  return std::to_string(passed) + "/" + std::to_string(gates.size());
}

/// The first three, then how many more.
std::string shortened(const std::vector<std::string>& texts) {
  constexpr std::size_t kShown = 3;
  if (texts.size() <= kShown) return join(texts, ",");
  std::vector<std::string> first(texts.begin(), texts.begin() + kShown);
  return join(first, ",") + " + " + std::to_string(texts.size() - kShown) + " more...";
}

std::string endpoints_text(const json::object& endpoints) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> all;
  for (const json::value& entry : array_at(endpoints, {"subsets"})) {
    const json::object& subset = object_of(entry);
    for (const json::value& address : array_at(subset, {"addresses"})) {
      std::string ip(text_at(object_of(address), {"ip"}));
      const json::array& ports = array_at(subset, {"ports"});
      if (ports.empty()) all.push_back(ip);
      for (const json::value& port : ports) {
        bool v6 = ip.find(':') != ip.npos;
        all.push_back((v6 ? "[" + ip + "]" : ip) + ":" + number_text(object_of(port), "port"));
      }
    }
  }
  if (all.empty()) return std::string(kNone);
  return all.size() > kShown ? shortened(all) : join(all, ",");
}

}  // namespace

json::array service_cells(const json::object& service, Time now) {
  std::string_view ip = text_at(service, {"spec", "clusterIP"});
  return {name_cell(service),
          json::value(text_at(service, {"spec", "type"})),
          json::value(or_else(ip, kNone)),
          json::value(external_ip(service)),
          json::value(service_ports(service)),
          json::value(age(service, now)),
          json::value(label_text(object_at(service, {"spec", "selector"})))};
}

json::array node_cells(const json::object& node, Time now) {
  auto info = [&](std::string_view key) {
    return json::value(or_else(text_at(node, {"status", "nodeInfo", key}), "<unknown>"));
  };
  return {name_cell(node),
          json::value(node_status(node)),
          json::value(node_roles(node)),
          json::value(age(node, now)),
          json::value(text_at(node, {"status", "nodeInfo", "kubeletVersion"})),
          json::value(node_address(node, "InternalIP")),
          json::value(node_address(node, "ExternalIP")),
          info("osImage"),
          info("kernelVersion"),
          info("containerRuntimeVersion")};
}

json::array pod_cells(const json::object& pod, Time now) {
  return {name_cell(pod),
          json::value(pod_ready(pod)),
          json::value(pod_status(pod)),
          json::value(pod_restarts(pod)),
          json::value(age(pod, now)),
          json::value(or_else(text_at(pod, {"status", "podIP"}), kNone)),
          json::value(or_else(text_at(pod, {"spec", "nodeName"}), kNone)),
          json::value(or_else(text_at(pod, {"status", "nominatedNodeName"}), kNone)),
          json::value(readiness_gates(pod))};
}

json::array endpoint_slice_cells(const json::object& slice, Time now) {
  std::vector<std::string> ports, addresses;
  for (const json::value& port : array_at(slice, {"ports"})) {
    bool has_port = object_of(port).contains("port");
    ports.push_back(has_port ? number_text(object_of(port), "port") : "*");
  }
  for (const json::value& endpoint : array_at(slice, {"endpoints"})) {
    for (const json::value& address : array_at(object_of(endpoint), {"addresses"})) {
      addresses.emplace_back(text_of(address));
    }
  }
  return {name_cell(slice), json::value(text_at(slice, {"addressType"})),
          json::value(or_else(shortened(ports), kUnset)),
          json::value(or_else(shortened(addresses), kUnset)), json::value(age(slice, now))};
}

json::array endpoints_cells(const json::object& endpoints, Time now) {
  return {name_cell(endpoints), json::value(endpoints_text(endpoints)),
          json::value(age(endpoints, now))};
}

json::array namespace_cells(const json::object& ns, Time now) {
  return {name_cell(ns), json::value(text_at(ns, {"status", "phase"})), json::value(age(ns, now))};
}

json::array config_map_cells(const json::object& map, Time now) {
  std::size_t count = object_at(map, {"data"}).size() + object_at(map, {"binaryData"}).size();
  return {name_cell(map), json::value(count), json::value(age(map, now))};
}

json::array secret_cells(const json::object& secret, Time now) {
  return {name_cell(secret), json::value(text_at(secret, {"type"})),
          json::value(object_at(secret, {"data"}).size()), json::value(age(secret, now))};
}

json::array lease_cells(const json::object& lease, Time now) {
  return {name_cell(lease), json::value(text_at(lease, {"spec", "holderIdentity"})),
          json::value(age(lease, now))};
}

json::array event_cells(const json::object& event, Time now) {
  std::string_view first = text_at(event, {"firstTimestamp"});
  if (first.empty()) first = text_at(event, {"eventTime"});
  std::string_view last = text_at(event, {"series", "lastObservedTime"});
  if (last.empty()) last = text_at(event, {"lastTimestamp"});
  if (last.empty()) last = first;
  std::int64_t count =
      integer_at(event, {"series", "count"}).value_or(integer_at(event, {"count"}).value_or(1));
  std::string kind(text_at(event, {"involvedObject", "kind"}));
  std::ranges::transform(kind, kind.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string about(text_at(event, {"involvedObject", "name"}));
  std::string source(text_at(event, {"source", "component"}));
  if (source.empty()) source = text_at(event, {"reportingComponent"});
  std::string_view host = text_at(event, {"source", "host"});
  if (!host.empty()) source += ", " + std::string(host);
  std::string message(text_at(event, {"message"}));
  while (message.ends_with('\n') || message.ends_with(' ')) message.pop_back();
  return {json::value(since(last, now)),
          json::value(text_at(event, {"type"})),
          json::value(text_at(event, {"reason"})),
          json::value(kind.empty() ? about : kind + "/" + about),
          json::value(text_at(event, {"involvedObject", "fieldPath"})),
          json::value(source),
          json::value(message),
          json::value(since(first, now)),
          count,
          name_cell(event)};
}

json::array address_pool_cells(const json::object& pool, Time now) {
  const auto both = [&](std::string_view v4, std::string_view v6) {
    return integer_at(pool, {"status", v4}).value_or(0) +
           integer_at(pool, {"status", v6}).value_or(0);
  };
  return {name_cell(pool),
          json::value(join(texts_of(array_at(pool, {"spec", "addresses"})), ",")),
          true_at(pool, {"spec", "autoAssign"}),
          json::value(text_at(pool, {"spec", "announce"})),
          both("assignedIPv4", "assignedIPv6"),
          both("availableIPv4", "availableIPv6"),
          json::value(age(pool, now))};
}

json::array bgp_peer_cells(const json::object& peer, Time now) {
  return {name_cell(peer),
          json::value(text_at(peer, {"spec", "address"})),
          integer_at(peer, {"spec", "asn"}).value_or(0),
          json::value(age(peer, now)),
          integer_at(peer, {"spec", "port"}).value_or(0),
          integer_at(peer, {"spec", "holdTimeSeconds"}).value_or(0),
          json::value(join(texts_of(array_at(peer, {"spec", "families"})), ","))};
}

json::array bgp_advertisement_cells(const json::object& advertisement, Time now) {
  const auto list = [&](std::string_view key, std::string_view none) {
    return json::value(or_else(join(texts_of(array_at(advertisement, {"spec", key})), ","), none));
  };
  return {name_cell(advertisement),
          list("routes", kNone),
          list("pools", "<all>"),
          list("peers", "<all>"),
          json::value(age(advertisement, now)),
          list("communities", kNone)};
}

json::array other_cells(const json::object& object, Time now) {
  return {name_cell(object), json::value(age(object, now))};
}

}  // namespace fairlead::api
