// ?labelSelector= and ?fieldSelector=, parsed once a request and asked for each object.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/resource.hpp"
#include "controlplane/api/status.hpp"

namespace fairlead::api {

/// `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>3,m<4`. Empty: everything.
class LabelSelector {
 public:
  LabelSelector() = default;
  /// 400 `unable to parse requirement: …`.
  static ApiResult<LabelSelector> parse(std::string_view text);

  [[nodiscard]] bool empty() const { return requirements_.empty(); }
  /// `object`: any object with metadata.labels.
  [[nodiscard]] bool matches(const boost::json::object& object) const;

  enum class Operator { kIn, kNotIn, kExists, kNotExists, kGreater, kLess };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;  // sorted
  };

 private:
  std::vector<Requirement> requirements_;
};

/// `metadata.name=web,status.phase!=Failed`. Empty: everything.
class FieldSelector {
 public:
  FieldSelector() = default;
  /// 400 for a field that this kind cannot be selected by.
  static ApiResult<FieldSelector> parse(const ResourceType& type, std::string_view text);

  [[nodiscard]] bool empty() const { return terms_.empty(); }
  [[nodiscard]] bool matches(const boost::json::object& object) const;
  /// The name of the one object that can match ("" if any can): lets a list be a get.
  [[nodiscard]] std::string name() const;

  struct Term {
    std::string field;
    std::string value;
    bool equal = true;
    std::function<std::string(const boost::json::object&)> read;
  };

 private:
  std::vector<Term> terms_;
};

}  // namespace fairlead::api
