// Selector and labels -> yes or no, term by term.
#include "model/labels.hpp"

#include <algorithm>

namespace fairlead {
namespace {

bool holds(const LabelRequirement& term, const Labels& labels) {
  using Operator = LabelRequirement::Operator;
  const auto label = labels.find(term.key);
  const bool present = label != labels.end();
  const auto among = [&] {
    return present && std::ranges::find(term.values, label->second) != term.values.end();
  };
  switch (term.op) {
    case Operator::kIn:
      return among();
    case Operator::kNotIn:
      return !among();
    case Operator::kExists:
      return present;
    case Operator::kDoesNotExist:
      return !present;
  }
  return false;
}

}  // namespace

bool LabelSelector::matches(const Labels& labels) const {
  return std::ranges::all_of(requirements,
                             [&](const LabelRequirement& term) { return holds(term, labels); });
}

}  // namespace fairlead
