// Label selectors, bounds, choices and names: parts of specs -> what is wrong with them.
#include "controlplane/api/selector_rules.hpp"

#include <set>

#include "controlplane/api/json_view.hpp"
#include "controlplane/api/metadata.hpp"
#include "controlplane/api/names.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;

void check_expression(const json::object& term, const std::string& field, FieldErrors& errors) {
  const std::string_view key = text_at(term, {"key"}), op = text_at(term, {"operator"});
  add_invalid(errors, field + ".key", json::value(key), check_qualified_name(key));
  const json::array& values = array_at(term, {"values"});
  if (op == "In" || op == "NotIn") {
    if (values.empty()) {
      errors.push_back(
          required(field + ".values", "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (!values.empty()) {
      errors.push_back(forbidden_value(
          field + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else {
    errors.push_back(
        invalid_value(field + ".operator", json::value(op), "not a valid selector operator"));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    add_invalid(errors, indexed(field + ".values", i), values[i],
                check_label_value(text_of(values[i])));
  }
}

/// Calls check(text, field) for each text, after duplicates have been reported.
template <class Check>
void for_each_once(const json::object& spec, std::string_view key, FieldErrors& errors,
                   Check check) {
  std::set<std::string_view> seen;
  const json::array& list = array_at(spec, {key});
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string field = indexed("spec." + std::string(key), i);
    const std::string_view text = text_of(list[i]);
    if (!seen.insert(text).second) errors.push_back(duplicate(field, list[i]));
    check(text, field);
  }
}

}  // namespace

void validate_selector(const json::object& spec, std::string_view key, FieldErrors& errors) {
  const std::string field = "spec." + std::string(key);
  const json::object& selector = object_at(spec, {key});
  validate_labels(object_at(selector, {"matchLabels"}), field + ".matchLabels", errors);
  const json::array& terms = array_at(selector, {"matchExpressions"});
  for (std::size_t i = 0; i < terms.size(); ++i) {
    check_expression(object_of(terms[i]), indexed(field + ".matchExpressions", i), errors);
  }
}

void validate_bounds(const json::object& section, std::string_view prefix, std::string_view key,
                     std::int64_t least, std::int64_t most, FieldErrors& errors) {
  const auto number = integer_at(section, {key});
  if (!number || (*number >= least && *number <= most)) return;
  errors.push_back(invalid_value(
      std::string(prefix) + std::string(key), *number,
      "must be between " + std::to_string(least) + " and " + std::to_string(most) + ", inclusive"));
}

void validate_choices(const json::object& spec, std::string_view key,
                      std::initializer_list<std::string_view> allowed, FieldErrors& errors) {
  for_each_once(spec, key, errors, [&](std::string_view text, const std::string& field) {
    if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return;
    errors.push_back(not_supported(field, json::value(text), allowed));
  });
}

void validate_names(const json::object& spec, std::string_view key, FieldErrors& errors) {
  for_each_once(spec, key, errors, [&](std::string_view text, const std::string& field) {
    add_invalid(errors, field, json::value(text), check_dns1123_subdomain(text));
  });
}

}  // namespace fairlead::api
