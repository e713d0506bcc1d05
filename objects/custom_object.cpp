// Parts that several objects of group fairlead.io have: bounded numbers, names, label selectors.
#include "objects/custom_object.hpp"

#include <array>
#include <utility>

namespace fairlead {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostTerms = 100, kMostValues = 1000, kMostNames = 1000;
constexpr std::size_t kLongestLabel = 253 + 1 + 63, kLongestValue = 63, kLongestName = 253;

using Operator = LabelRequirement::Operator;
constexpr std::array kOperators{
    std::pair{std::string_view("In"), Operator::kIn},
    std::pair{std::string_view("NotIn"), Operator::kNotIn},
    std::pair{std::string_view("Exists"), Operator::kExists},
    std::pair{std::string_view("DoesNotExist"), Operator::kDoesNotExist},
};

void decode_expression(const Fields& term, LabelSelector& selector) {
  LabelRequirement requirement;
  const auto key = term.short_text("key", kLongestLabel);
  if (!key || key->empty()) return term.problems().add(term.path() / "key", "missing");
  requirement.key = *key;
  const auto op = term.text("operator");
  const auto* known = std::find_if(kOperators.begin(), kOperators.end(),
                                   [&](const auto& entry) { return op == entry.first; });
  if (known == kOperators.end()) {
    return term.problems().add(term.path() / "operator",
                               "must be In, NotIn, Exists or DoesNotExist");
  }
  requirement.op = known->second;
  term.for_each_text("values", kMostValues, [&](std::string_view value, const Path&) {
    requirement.values.emplace_back(value);
  });
  const bool wants_values = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
  if (wants_values == requirement.values.empty()) {
    return term.problems().add(term.path() / "values", wants_values
                                                           ? "needed with In and NotIn"
                                                           : "only allowed with In and NotIn");
  }
  selector.requirements.push_back(std::move(requirement));
}

}  // namespace

Result<> Spec::check() {
  const auto mistakes = must_problems_.take();
  if (mistakes.empty()) return {};
  const Problem& first = mistakes.front();
  return invalid(first.object + ": " + first.field + ": " + first.message);
}

Result<const json::object*> spec_of(const json::value& json, const std::string& object) {
  ProblemList problems(object);
  const Path root;
  const Fields fields(json.get_object(), root, problems);
  TRY(const auto* spec, fields.section("spec"));
  if (spec == nullptr) return invalid(object + ": spec: missing");
  return spec;
}

std::optional<std::int64_t> bounded(const Fields& fields, std::string_view key, std::int64_t least,
                                    std::int64_t most) {
  const auto number = fields.integer(key);
  if (!number || (*number >= least && *number <= most)) return number;
  fields.problems().add(fields.path() / key, std::to_string(*number) + " must be between " +
                                                 std::to_string(least) + " and " +
                                                 std::to_string(most));
  return std::nullopt;
}

LabelSelector decode_selector(const Fields& fields, std::string_view key) {
  LabelSelector selector;
  const auto* section = fields.object(key);
  if (section == nullptr) return selector;
  const Path path = fields.path() / key;
  const Fields terms(*section, path, fields.problems());
  if (const auto* labels = terms.object("matchLabels")) {
    const Path labels_path = path / "matchLabels";
    const Fields values(*labels, labels_path, fields.problems());
    if (labels->size() > kMostTerms) fields.problems().add(labels_path, "too many labels");
    for (const auto& [label, value] : *labels) {
      if (label.size() > kLongestLabel) {
        fields.problems().add(labels_path, quoted(label) + " is no label");
      } else if (const auto text = values.short_text(label, kLongestValue)) {
        selector.requirements.push_back({std::string(label), Operator::kIn, {std::string(*text)}});
      } else if (value.is_null()) {
        fields.problems().add(labels_path / label, "missing");
      }
    }
  }
  terms.for_each_object("matchExpressions", kMostTerms,
                        [&](const Fields& term) { decode_expression(term, selector); });
  return selector;
}

std::vector<std::string> decode_names(const Fields& fields, std::string_view key) {
  std::vector<std::string> names;
  fields.for_each_text(key, kMostNames, [&](std::string_view text, const Path& path) {
    if (text.empty() || text.size() > kLongestName) {
      return fields.problems().add(path, quoted(text) + " is not a name");
    }
    names.emplace_back(text);
  });
  return names;
}

}  // namespace fairlead
