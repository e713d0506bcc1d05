// ?fieldSelector=: each kind has its list of fields, and a way to read each.
#include <algorithm>
#include <optional>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/selector.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using Read = std::string (*)(const json::object&);

/// A field that is read by its own path, or by `read` where Kubernetes computes it.
struct Selectable {
  std::string_view kind;  // "" = every kind
  std::string_view field;
  Read read = nullptr;
};

std::string read_path(const json::object& object, std::string_view path) {
  const json::object* here = &object;
  while (true) {
    std::size_t dot = path.find('.');
    const json::value* found = here->if_contains(path.substr(0, dot));
    if (found == nullptr) return {};
    if (dot == path.npos) {
      return found->is_string() ? std::string(text_of(*found)) : json::serialize(*found);
    }
    here = &object_of(*found);
    path.remove_prefix(dot + 1);
  }
}

std::string read_unschedulable(const json::object& node) {
  return true_at(node, {"spec", "unschedulable"}) ? "true" : "false";
}
std::string read_host_network(const json::object& pod) {
  return true_at(pod, {"spec", "hostNetwork"}) ? "true" : "false";
}
/// v1: source.component, or the newer reportingComponent.
std::string read_source(const json::object& event) {
  std::string_view source = text_at(event, {"source", "component"});
  return std::string(source.empty() ? text_at(event, {"reportingComponent"}) : source);
}

constexpr Selectable kSelectable[] = {
    {"", "metadata.name"},
    {"", "metadata.namespace"},
    {"Service", "spec.clusterIP"},
    {"Service", "spec.type"},
    {"Namespace", "status.phase"},
    {"Secret", "type"},
    {"Node", "spec.unschedulable", read_unschedulable},
    {"Pod", "spec.nodeName"},
    {"Pod", "spec.restartPolicy"},
    {"Pod", "spec.schedulerName"},
    {"Pod", "spec.serviceAccountName"},
    {"Pod", "spec.hostNetwork", read_host_network},
    {"Pod", "status.phase"},
    {"Pod", "status.podIP"},
    {"Pod", "status.nominatedNodeName"},
    {"Event", "involvedObject.kind"},
    {"Event", "involvedObject.namespace"},
    {"Event", "involvedObject.name"},
    {"Event", "involvedObject.uid"},
    {"Event", "involvedObject.apiVersion"},
    {"Event", "involvedObject.resourceVersion"},
    {"Event", "involvedObject.fieldPath"},
    {"Event", "reason"},
    {"Event", "reportingComponent"},
    {"Event", "source", read_source},
    {"Event", "type"},
    {"events.k8s.io/Event", "regarding.kind"},
    {"events.k8s.io/Event", "regarding.namespace"},
    {"events.k8s.io/Event", "regarding.name"},
    {"events.k8s.io/Event", "regarding.uid"},
    {"events.k8s.io/Event", "regarding.apiVersion"},
    {"events.k8s.io/Event", "regarding.resourceVersion"},
    {"events.k8s.io/Event", "regarding.fieldPath"},
    {"events.k8s.io/Event", "reason"},
    {"events.k8s.io/Event", "reportingController"},
    {"events.k8s.io/Event", "type"},
};

std::string key_of(const ResourceType& type) {
  bool same_kind_twice = type.group == "events.k8s.io";
  return (same_kind_twice ? std::string(type.group) + "/" : "") + std::string(type.kind);
}

const Selectable* find_selectable(const ResourceType& type, std::string_view field) {
  std::string kind = key_of(type);
  for (const Selectable& one : kSelectable) {
    if (one.field == field && (one.kind.empty() || one.kind == kind)) return &one;
  }
  return nullptr;
}

tl::unexpected<StatusError> unknown_field(const ResourceType& type, const std::string& field) {
  std::string kind = key_of(type);
  bool has_own =
      std::ranges::any_of(kSelectable, [&](const Selectable& s) { return s.kind == kind; });
  if (has_own) return tl::unexpected(bad_request("field label not supported: " + field));
  return tl::unexpected(bad_request(
      "\"" + field +
      "\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""));
}

/// Text with \\ \, \= unescaped; nullopt if a backslash stands alone.
std::optional<std::string> unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (++i == text.size() || std::string_view("\\,=").find(text[i]) == std::string_view::npos) {
        return std::nullopt;
      }
    }
    result.push_back(text[i]);
  }
  return result;
}

std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '\\') {
      ++i;
    } else if (i == text.size() || text[i] == ',') {
      if (i > start) terms.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  return terms;
}

}  // namespace

ApiResult<FieldSelector> FieldSelector::parse(const ResourceType& type, std::string_view text) {
  FieldSelector selector;
  for (std::string_view term : split_terms(text)) {
    std::size_t at = term.find_first_of("!=");
    bool equal = at != term.npos && term[at] == '=';
    std::size_t size = at != term.npos && term.substr(at + 1, 1) == "=" ? 2 : 1;
    if (at == term.npos || (!equal && size != 2)) {
      return tl::unexpected(bad_request("invalid selector: '" + std::string(text) +
                                        "'; can't understand '" + std::string(term) + "'"));
    }
    std::string field(term.substr(0, at));
    auto value = unescape(term.substr(at + size));
    if (!value) {
      return tl::unexpected(bad_request("invalid field selector: invalid escape sequence in '" +
                                        std::string(term) + "'"));
    }
    const Selectable* found = find_selectable(type, field);
    if (found == nullptr) return unknown_field(type, field);
    auto read = [found](const json::object& object) {
      return found->read != nullptr ? found->read(object) : read_path(object, found->field);
    };
    selector.terms_.push_back({std::move(field), std::move(*value), equal, read});
  }
  return selector;
}

bool FieldSelector::matches(const json::object& object) const {
  return std::ranges::all_of(
      terms_, [&](const Term& term) { return (term.read(object) == term.value) == term.equal; });
}

std::string FieldSelector::name() const {
  for (const Term& term : terms_) {
    if (term.equal && term.field == "metadata.name") return term.value;
  }
  return {};
}

}  // namespace fairlead::api
