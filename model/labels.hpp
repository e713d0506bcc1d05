// Labels of objects, and selectors over them: who is meant by an object that names others by what
// they are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fairlead {

using Labels = std::map<std::string, std::string, std::less<>>;

/// One term of a LabelSelector: matchExpressions[], or an entry of matchLabels as `In` of one
/// value.
struct LabelRequirement {
  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist };
  std::string key;
  Operator op = Operator::kIn;
  std::vector<std::string> values;
  bool operator==(const LabelRequirement&) const = default;
};

/// meta/v1 LabelSelector: every term must hold; without terms it selects everything.
struct LabelSelector {
  std::vector<LabelRequirement> requirements;
  bool operator==(const LabelSelector&) const = default;

  /// As Kubernetes: NotIn holds where the label is missing.
  [[nodiscard]] bool matches(const Labels& labels) const;
};

}  // namespace fairlead
