// What a Pod gets without asking. There is no kubelet behind this control plane: the status is what
// whoever runs the Pod writes.
#include <algorithm>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

constexpr std::int64_t kFileMode = 0644;

void set_default(json::object& object, std::string_view key, json::value value) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr || (found->is_string() && found->get_string().empty())) {
    object[key] = std::move(value);
  }
}

/// The tag of an image decides whether it is worth pulling again.
std::string_view pull_policy(std::string_view image) {
  if (image.find('@') != image.npos) return "IfNotPresent";
  std::string_view last = image.substr(image.rfind('/') == image.npos ? 0 : image.rfind('/') + 1);
  std::size_t colon = last.find(':');
  bool latest = colon == last.npos || last.substr(colon + 1) == "latest";
  return latest ? "Always" : "IfNotPresent";
}

void default_http(json::object& handler) {
  if (!handler.contains("httpGet")) return;
  json::object& get = handler["httpGet"].get_object();
  set_default(get, "path", "/");
  set_default(get, "scheme", "HTTP");
}

void default_probe(json::object& container, std::string_view key) {
  if (!container.contains(key)) return;
  json::object& probe = container[key].get_object();
  default_http(probe);
  set_default(probe, "timeoutSeconds", 1);
  set_default(probe, "periodSeconds", 10);
  set_default(probe, "successThreshold", 1);
  set_default(probe, "failureThreshold", 3);
}

void default_env(json::object& container) {
  json::value* env = container.if_contains("env");
  if (env == nullptr || !env->is_array()) return;
  for (json::value& entry : env->get_array()) {
    json::value* from = entry.get_object().if_contains("valueFrom");
    if (from == nullptr || !from->get_object().contains("fieldRef")) continue;
    set_default(from->get_object()["fieldRef"].get_object(), "apiVersion", "v1");
  }
}

/// Limits without requests are requests.
void default_resources(json::object& container) {
  json::object& resources = ensure_object(container, "resources");
  const json::object& limits = object_at(resources, {"limits"});
  if (limits.empty()) return;
  json::object requests = object_at(resources, {"requests"});
  for (const auto& [name, amount] : limits) {
    if (!requests.contains(name)) requests[name] = amount;
  }
  resources["requests"] = std::move(requests);
}

void default_container(json::object& container, bool host_network) {
  set_default(container, "imagePullPolicy",
              json::value(pull_policy(text_at(container, {"image"}))));
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  default_resources(container);
  default_env(container);
  for (std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    default_probe(container, probe);
  }
  if (container.contains("lifecycle")) {
    json::object& lifecycle = container["lifecycle"].get_object();
    for (std::string_view hook : {"postStart", "preStop"}) {
      if (lifecycle.contains(hook)) default_http(lifecycle[hook].get_object());
    }
  }
  json::value* ports = container.if_contains("ports");
  if (ports == nullptr) return;
  for (json::value& entry : ports->get_array()) {
    json::object& port = entry.get_object();
    set_default(port, "protocol", "TCP");
    if (host_network && !port.contains("hostPort") && port.contains("containerPort")) {
      port["hostPort"] = port["containerPort"];
    }
  }
}

bool has_source(const json::object& volume) {
  return std::ranges::any_of(volume, [](const auto& entry) { return entry.key() != "name"; });
}

void default_projection(json::object& projected) {
  set_default(projected, "defaultMode", kFileMode);
  json::value* sources = projected.if_contains("sources");
  if (sources == nullptr || !sources->is_array()) return;
  for (json::value& entry : sources->get_array()) {
    json::object& source = entry.get_object();
    if (source.contains("serviceAccountToken")) {
      set_default(source["serviceAccountToken"].get_object(), "expirationSeconds", 3600);
    }
  }
}

void default_volume(json::object& volume) {
  if (!has_source(volume)) volume["emptyDir"] = json::object{};
  for (std::string_view key : {"secret", "configMap", "downwardAPI"}) {
    if (volume.contains(key)) set_default(volume[key].get_object(), "defaultMode", kFileMode);
  }
  if (volume.contains("projected")) default_projection(volume["projected"].get_object());
  if (volume.contains("hostPath")) {
    json::object& host = volume["hostPath"].get_object();
    if (!host.contains("type")) host["type"] = "";
  }
}

template <class F>
void for_each_in(json::object& spec, std::string_view key, F&& visit) {
  json::value* list = spec.if_contains(key);
  if (list == nullptr || !list->is_array()) return;
  for (json::value& entry : list->get_array()) visit(entry.get_object());
}

}  // namespace

void default_pod(json::object& pod) {
  json::object& spec = ensure_object(pod, "spec");
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "schedulerName", "default-scheduler");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "enableServiceLinks", true);
  ensure_object(spec, "securityContext");
  std::string_view account = text_at(spec, {"serviceAccountName"});
  if (account.empty()) account = text_at(spec, {"serviceAccount"});
  if (!account.empty()) {
    std::string name(account);
    spec["serviceAccountName"] = name;
    spec["serviceAccount"] = name;
  }
  bool host_network = true_at(spec, {"hostNetwork"});
  for (std::string_view key : {"initContainers", "containers", "ephemeralContainers"}) {
    for_each_in(spec, key, [&](json::object& c) { default_container(c, host_network); });
  }
  for_each_in(spec, "volumes", default_volume);
  json::object& status = ensure_object(pod, "status");
  const json::array& ips = array_at(status, {"podIPs"});
  std::string_view ip = text_at(status, {"podIP"});
  // podIP is what older clients write: where the two differ it is the one meant.
  bool differ = !ip.empty() && (ips.empty() || text_at(object_of(ips[0]), {"ip"}) != ip);
  if (differ) status["podIPs"] = json::array{json::object{{"ip", json::string(ip)}}};
  if (!ips.empty() && ip.empty()) status["podIP"] = json::value(text_at(object_of(ips[0]), {"ip"}));
}

void begin_pod(json::object& pod) { pod["status"] = json::object{{"phase", "Pending"}}; }

void update_pod(const json::object& old, json::object& pod) {
  // A Pod sent without its node or priority means "as it is".
  json::object& spec = ensure_object(pod, "spec");
  for (std::string_view key : {"nodeName", "priority", "preemptionPolicy"}) {
    const json::value* before = find_value(old, {"spec", key});
    if (before != nullptr && !spec.contains(key)) spec[key] = *before;
  }
}

}  // namespace fairlead::api
