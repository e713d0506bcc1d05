// What a Pod must be to be of use to Services and nodes. Kubernetes checks more (a scheduler's and
// a kubelet's business); what is checked here is worded as there.
#include <algorithm>
#include <set>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/names.hpp"
#include "controlplane/api/rules.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

void check_choice(const json::object& object, std::string_view key, const std::string& field,
                  std::vector<std::string_view> choices, FieldErrors& errors) {
  std::string_view text = text_at(object, {key});
  if (text.empty()) {
    errors.push_back(required(field));
  } else if (std::ranges::find(choices, text) == choices.end()) {
    errors.push_back(not_supported(field, json::value(text), std::move(choices)));
  }
}

void check_container_ports(const json::array& ports, const std::string& field,
                           FieldErrors& errors) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const json::object& port = object_of(ports[i]);
    std::string where = indexed(field, i);
    std::string_view name = text_at(port, {"name"});
    if (!name.empty()) {
      add_invalid(errors, where + ".name", json::value(name), check_port_name(name));
      if (!names.insert(name).second)
        errors.push_back(duplicate(where + ".name", json::value(name)));
    }
    auto number = integer_at(port, {"containerPort"}).value_or(0);
    if (number == 0) {
      errors.push_back(required(where + ".containerPort"));
    } else {
      add_invalid(errors, where + ".containerPort", number, check_port_number(number));
    }
    if (auto host = integer_at(port, {"hostPort"}); host && *host != 0) {
      add_invalid(errors, where + ".hostPort", *host, check_port_number(*host));
    }
    check_choice(port, "protocol", where + ".protocol", {"TCP", "UDP", "SCTP"}, errors);
  }
}

void check_mounts(const json::array& mounts, const std::set<std::string_view>& volumes,
                  const std::string& field, FieldErrors& errors) {
  std::set<std::string_view> paths;
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const json::object& mount = object_of(mounts[i]);
    std::string where = indexed(field, i);
    std::string_view name = text_at(mount, {"name"}), path = text_at(mount, {"mountPath"});
    if (name.empty()) {
      errors.push_back(required(where + ".name"));
    } else if (!volumes.contains(name)) {
      errors.push_back({"FieldValueNotFound", where + ".name",
                        "Not found: " + json::serialize(json::value(name))});
    }
    if (path.empty()) errors.push_back(required(where + ".mountPath"));
    if (!paths.insert(path).second) {
      errors.push_back(invalid_value(where + ".mountPath", json::value(path), "must be unique"));
    }
  }
}

struct ContainerNames {
  std::set<std::string_view> containers;
  std::set<std::string_view> volumes;
};

void check_container(const json::object& container, const std::string& field, ContainerNames& names,
                     FieldErrors& errors) {
  std::string_view name = text_at(container, {"name"});
  if (name.empty()) {
    errors.push_back(required(field + ".name"));
  } else {
    add_invalid(errors, field + ".name", json::value(name), check_dns1123_label(name));
    if (!names.containers.insert(name).second) {
      errors.push_back(duplicate(field + ".name", json::value(name)));
    }
  }
  if (text_at(container, {"image"}).empty()) errors.push_back(required(field + ".image"));
  check_container_ports(array_at(container, {"ports"}), field + ".ports", errors);
  const json::array& env = array_at(container, {"env"});
  for (std::size_t i = 0; i < env.size(); ++i) {
    if (text_at(object_of(env[i]), {"name"}).empty()) {
      errors.push_back(required(indexed(field + ".env", i) + ".name"));
    }
  }
  check_mounts(array_at(container, {"volumeMounts"}), names.volumes, field + ".volumeMounts",
               errors);
  check_choice(container, "imagePullPolicy", field + ".imagePullPolicy",
               {"Always", "IfNotPresent", "Never"}, errors);
}

std::set<std::string_view> check_volumes(const json::array& volumes, FieldErrors& errors) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    std::string_view name = text_at(object_of(volumes[i]), {"name"});
    std::string field = indexed("spec.volumes", i);
    if (name.empty()) {
      errors.push_back(required(field + ".name"));
    } else {
      add_invalid(errors, field + ".name", json::value(name), check_dns1123_label(name));
      if (!names.insert(name).second)
        errors.push_back(duplicate(field + ".name", json::value(name)));
    }
    if (object_of(volumes[i]).size() > 2) {
      errors.push_back(forbidden_value(field, "may not specify more than 1 volume type"));
    }
  }
  return names;
}

/// The spec without the fields that an update may change.
json::object fixed_part(const json::object& pod) {
  json::object spec = object_at(pod, {"spec"});
  for (std::string_view key :
       {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"}) {
    spec.erase(key);
  }
  for (std::string_view key : {"containers", "initContainers"}) {
    json::value* list = spec.if_contains(key);
    if (list == nullptr || !list->is_array()) continue;
    for (json::value& container : list->get_array()) {
      if (container.is_object()) {
        container.get_object().erase("image");
        container.get_object().erase("imagePullPolicy");
      }
    }
  }
  return spec;
}

}  // namespace

void validate_pod(const json::object& pod, FieldErrors& errors) {
  const json::object& spec = object_at(pod, {"spec"});
  ContainerNames names{{}, check_volumes(array_at(spec, {"volumes"}), errors)};
  if (array_at(spec, {"containers"}).empty()) errors.push_back(required("spec.containers"));
  for (std::string_view key : {"containers", "initContainers"}) {
    const json::array& list = array_at(spec, {key});
    for (std::size_t i = 0; i < list.size(); ++i) {
      check_container(object_of(list[i]), indexed("spec." + std::string(key), i), names, errors);
    }
  }
  check_choice(spec, "restartPolicy", "spec.restartPolicy", {"Always", "OnFailure", "Never"},
               errors);
  check_choice(spec, "dnsPolicy", "spec.dnsPolicy",
               {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"}, errors);
  for (std::string_view key : {"hostname", "subdomain"}) {
    std::string_view text = text_at(spec, {key});
    if (!text.empty())
      add_invalid(errors, "spec." + std::string(key), json::value(text), check_dns1123_label(text));
  }
  std::string_view node = text_at(spec, {"nodeName"});
  if (!node.empty())
    add_invalid(errors, "spec.nodeName", json::value(node), check_dns1123_subdomain(node));
}

void validate_pod_update(const json::object& old, const json::object& pod, FieldErrors& errors) {
  if (fixed_part(old) == fixed_part(pod)) return;
  errors.push_back(forbidden_value(
      "spec",
      "pod updates may not change fields other than "
      "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
      "`spec.tolerations` (only additions to existing tolerations),"
      "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
      "negative)"));
}

void validate_pod_status(const json::object& pod, FieldErrors& errors) {
  const json::array& ips = array_at(pod, {"status", "podIPs"});
  for (std::size_t i = 0; i < ips.size(); ++i) {
    std::string_view text = text_at(object_of(ips[i]), {"ip"});
    if (!parse_ip(text)) {
      errors.push_back(invalid_value(indexed("status.podIPs", i), json::value(text), kBadIp));
    }
  }
  if (ips.size() > 2) {
    errors.push_back(
        invalid_value("status.podIPs", ips, "may specify no more than one IP for each IP family"));
  }
  std::string_view phase = text_at(pod, {"status", "phase"});
  if (!phase.empty()) {
    check_choice(object_at(pod, {"status"}), "phase", "status.phase",
                 {"Pending", "Running", "Succeeded", "Failed", "Unknown"}, errors);
  }
}

}  // namespace fairlead::api
