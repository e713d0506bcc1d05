// What decoding the objects of group fairlead.io has in common: a spec whose fields either cost
// themselves or the object.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.hpp"
#include "model/result.hpp"
#include "objects/fields.hpp"

namespace fairlead {

/// The spec of one object, twice: what is wrong in `must` costs the object, in `may` the field.
/// Neither copied nor moved, as Fields.
class Spec {
 public:
  Spec(const boost::json::object& spec, const std::string& object)
      : path_(root_ / "spec"),
        must_problems_(object),
        may_problems_(object),
        must(spec, path_, must_problems_),
        may(spec, path_, may_problems_) {}
  Spec(const Spec&) = delete;
  Spec& operator=(const Spec&) = delete;

 private:
  Path root_, path_;
  ProblemList must_problems_, may_problems_;

 public:
  const Fields must, may;

  /// The first mistake that costs the object.
  [[nodiscard]] Result<> check();
  [[nodiscard]] std::vector<Problem> take_problems() { return may_problems_.take(); }
};

/// The section "spec" of an object; an error where there is none.
Result<const boost::json::object*> spec_of(const boost::json::value& json,
                                           const std::string& object);

/// nullopt: absent, or outside of the bounds with a Problem.
std::optional<std::int64_t> bounded(const Fields& fields, std::string_view key, std::int64_t least,
                                    std::int64_t most);
/// meta/v1 LabelSelector under `key`; absent selects everything.
LabelSelector decode_selector(const Fields& fields, std::string_view key);
/// Names of other objects.
std::vector<std::string> decode_names(const Fields& fields, std::string_view key);

}  // namespace fairlead
