// The query of a URL: percent-decoded parameters, in order.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/result.hpp"

namespace fairlead::http {

/// Decodes %XX, and '+' as a blank if `form` (queries, not paths). Errors: a '%' without two
/// hexadecimal digits.
Result<std::string> percent_decode(std::string_view text, bool form);

class Query {
 public:
  static Result<Query> parse(std::string_view text);

  /// The first parameter of that name; absent is not the same as empty.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> get_all(std::string_view name) const;
  /// Kubernetes' rule: absent, "0" and "false" in any case are false; all else, also empty, is
  /// true.
  [[nodiscard]] bool is_true(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace fairlead::http
