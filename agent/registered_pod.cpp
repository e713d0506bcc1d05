// Names and labels of containers are anything; those of Kubernetes are not. Everything else is
// written down as it is.
#include "agent/registered_pod.hpp"

#include <algorithm>
#include <string_view>

#include "controlplane-client/object_meta.hpp"
#include "objects/decode.hpp"

namespace fairlead {
namespace {

namespace json = boost::json;
using client::member;
using client::text_member;

constexpr std::size_t kLongestLabel = 63, kLongestName = 253;

bool is_small(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) { return is_small(c) || (c >= 'A' && c <= 'Z'); }

/// A DNS subdomain, the stricter way: each label begins and ends with a letter or a digit.
bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kLongestName) return false;
  char before = '.';
  for (const char c : text) {
    if (!is_small(c) && c != '-' && c != '.') return false;
    if (!is_small(c) && (before == '.' || (c == '.' && before == '-'))) return false;
    before = c;
  }
  return is_small(before);
}

/// Letters, digits, '-', '_', '.'; the first and the last a letter or a digit; at most 63.
bool is_label_part(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::ranges::all_of(text, [](char c) {
           return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}
bool is_label(std::string_view key, std::string_view value) {
  if (!value.empty() && !is_label_part(value)) return false;
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return is_label_part(key);
  return is_name(key.substr(0, slash)) && is_label_part(key.substr(slash + 1));
}

/// `suffix` makes it another's neighbour and not its equal: "a_b" is not "a-b".
std::string made_name(std::string_view text, std::string_view suffix) {
  std::string name;
  for (const char c : text) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    name += is_small(small) ? small : '-';
  }
  name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
  name.resize(std::min<std::size_t>(name.size(), 40));
  return name + (name.empty() ? "pod-" : "-") + std::string(suffix);
}

json::array addresses_json(const std::vector<Ip>& ips) {
  json::array list;
  for (const Ip& ip : ips) list.push_back(json::object{{"ip", to_string(ip)}});
  return list;
}

}  // namespace

ObjectName registered_name(const podnet::Attachment& attachment) {
  const podnet::PodIdentity& pod = attachment.pod;
  const std::string& wish = pod.name.empty() ? attachment.key.container : pod.name;
  // The link's name is a hash of the attachment's key: "fl-0123456789ab".
  const std::string_view hash = std::string_view(attachment.host_link)
                                    .substr(std::min<std::size_t>(3, attachment.host_link.size()));
  return {pod.pod_namespace.empty() ? "default" : pod.pod_namespace,
          is_name(wish) ? wish : made_name(wish, hash)};
}

ContainerLabels valid_labels(const ContainerLabels& labels) {
  ContainerLabels valid = labels;
  std::erase_if(valid, [](const auto& label) { return !is_label(label.first, label.second); });
  return valid;
}

json::value make_registered_pod(const podnet::Attachment& attachment, const ContainerLabels& labels,
                                const std::string& node) {
  const ObjectName name = registered_name(attachment);
  json::object label_object;
  for (const auto& [key, value] : valid_labels(labels)) label_object[key] = value;
  const json::object metadata{
      {"namespace", name.ns},
      {"name", name.name},
      {"labels", label_object},
      {"annotations", {{kAttachmentAnnotation, to_string(attachment.key)}}}};
  const json::object container{{"name", "container"}, {"image", "unknown"}};
  return json::object{{"apiVersion", "v1"},
                      {"kind", "Pod"},
                      {"metadata", metadata},
                      {"spec",
                       {{"nodeName", node},
                        {"automountServiceAccountToken", false},
                        {"terminationGracePeriodSeconds", 0},
                        {"containers", json::array{container}}}}};
}

json::value make_registered_status(const podnet::Attachment& attachment, Time now) {
  const std::string time = format_time(now);
  json::array conditions;
  for (const char* type : {"Initialized", "PodScheduled", "ContainersReady", "Ready"})
    conditions.push_back(
        json::object{{"type", type}, {"status", "True"}, {"lastTransitionTime", time}});
  const json::object container{{"name", "container"},
                               {"image", "unknown"},
                               {"imageID", ""},
                               {"ready", true},
                               {"started", true},
                               {"restartCount", 0},
                               {"state", {{"running", {{"startedAt", time}}}}}};
  json::object status{{"phase", "Running"},
                      {"startTime", time},
                      {"podIPs", addresses_json(attachment.ips)},
                      {"conditions", conditions},
                      {"containerStatuses", json::array{container}}};
  if (!attachment.ips.empty()) status["podIP"] = to_string(attachment.ips.front());
  return json::object{{"status", status}};
}

std::optional<RegisteredPod> read_registered_pod(const json::value& pod, const std::string& node) {
  const json::value& metadata = member(pod, "metadata");
  const std::string_view key = text_member(member(metadata, "annotations"), kAttachmentAnnotation);
  if (key.empty() || text_member(member(pod, "spec"), "nodeName") != node) return std::nullopt;
  const json::value& status = member(pod, "status");
  RegisteredPod read{.name = {std::string(text_member(metadata, "namespace")),
                              std::string(text_member(metadata, "name"))},
                     .uid = std::string(text_member(metadata, "uid")),
                     .attachment = std::string(key),
                     .ips = {},
                     .running = text_member(status, "phase") == "Running"};
  const json::value& ips = member(status, "podIPs");
  if (!ips.is_array()) return read;
  for (const json::value& ip : ips.get_array()) read.ips.emplace_back(text_member(ip, "ip"));
  return read;
}

bool is_up_to_date(const RegisteredPod& pod, const podnet::Attachment& attachment) {
  return pod.running && std::ranges::equal(pod.ips, attachment.ips, {}, {},
                                           [](const Ip& ip) { return to_string(ip); });
}

}  // namespace fairlead
