// Selector text -> requirements -> yes or no for each object.
#include "controlplane/api/selector.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "controlplane/api/json_view.hpp"

namespace fairlead::api {
namespace {

namespace json = boost::json;
using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;

/// Words, and the signs ( ) , ! = == != > <.
struct Token {
  std::string text;
  bool sign = false;
};

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  constexpr std::string_view kSigns = "(),!=<>";
  for (std::size_t i = 0; i < text.size();) {
    char c = text[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++i;
    } else if (kSigns.find(c) != kSigns.npos) {
      std::size_t size = (c == '!' || c == '=') && text.substr(i + 1, 1) == "=" ? 2 : 1;
      tokens.push_back({std::string(text.substr(i, size)), true});
      i += size;
    } else {
      std::size_t end = std::min(text.find_first_of("(),!=<> \t\n\r", i), text.size());
      tokens.push_back({std::string(text.substr(i, end - i)), false});
      i = end;
    }
  }
  return tokens;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokens_of(text)) {}

  ApiResult<std::vector<Requirement>> parse() {
    std::vector<Requirement> result;
    while (next_ < tokens_.size()) {
      if (accept(",") && result.empty() && next_ < tokens_.size())
        return expected("identifier after ','");
      if (next_ == tokens_.size()) break;
      auto requirement = one();
      if (!requirement) return tl::unexpected(std::move(requirement).error());
      result.push_back(std::move(*requirement));
      if (next_ < tokens_.size() && !is_sign(",")) return expected("',' or 'end of string'");
    }
    return result;
  }

 private:
  [[nodiscard]] bool is_sign(std::string_view text) const {
    return next_ < tokens_.size() && tokens_[next_].sign && tokens_[next_].text == text;
  }
  bool accept(std::string_view sign) {
    if (!is_sign(sign)) return false;
    ++next_;
    return true;
  }
  [[nodiscard]] tl::unexpected<StatusError> expected(std::string_view what) const {
    std::string found = next_ < tokens_.size() ? tokens_[next_].text : "";
    return tl::unexpected(bad_request("unable to parse requirement: found '" + found +
                                      "', expected: " + std::string(what)));
  }
  std::optional<std::string> word() {
    if (next_ == tokens_.size() || tokens_[next_].sign) return std::nullopt;
    return tokens_[next_++].text;
  }

  ApiResult<Requirement> one() {
    bool negated = accept("!");
    auto key = word();
    if (!key) return expected("identifier");
    if (negated) return Requirement{*key, Operator::kNotExists, {}};
    if (next_ == tokens_.size() || is_sign(",")) return Requirement{*key, Operator::kExists, {}};
    if (accept("=") || accept("==")) return single(*key, Operator::kIn);
    if (accept("!=")) return single(*key, Operator::kNotIn);
    if (accept(">")) return number(*key, Operator::kGreater);
    if (accept("<")) return number(*key, Operator::kLess);
    bool in = !tokens_[next_].sign && tokens_[next_].text == "in";
    bool not_in = !tokens_[next_].sign && tokens_[next_].text == "notin";
    if (!in && !not_in) return expected("in, notin, =, ==, !=, gt, lt");
    ++next_;
    return set(*key, in ? Operator::kIn : Operator::kNotIn);
  }

  ApiResult<Requirement> single(std::string key, Operator op) {
    auto value = word();
    return Requirement{std::move(key), op, {value.value_or("")}};
  }

  ApiResult<Requirement> number(std::string key, Operator op) {
    auto value = word();
    std::int64_t parsed = 0;
    std::string text = value.value_or("");
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error != std::errc() || end != text.data() + text.size()) {
      return tl::unexpected(
          bad_request("unable to parse requirement: values[0][" + key + "]: Invalid value: \"" +
                      text + "\": for 'Gt', 'Lt' operators, the value must be an integer"));
    }
    return Requirement{std::move(key), op, {text}};
  }

  ApiResult<Requirement> set(std::string key, Operator op) {
    if (!accept("(")) return expected("'('");
    Requirement requirement{std::move(key), op, {}};
    do {
      requirement.values.push_back(word().value_or(""));
    } while (accept(","));
    if (!accept(")")) return expected("',' or ')'");
    std::ranges::sort(requirement.values);
    return requirement;
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
};

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool holds(const Requirement& requirement, const json::object& labels) {
  const json::value* found = labels.if_contains(requirement.key);
  std::string_view value = found == nullptr ? std::string_view() : text_of(*found);
  auto listed = [&] { return std::ranges::binary_search(requirement.values, value); };
  switch (requirement.op) {
    case Operator::kIn:
      return found != nullptr && listed();
    case Operator::kNotIn:
      return found == nullptr || !listed();
    case Operator::kExists:
      return found != nullptr;
    case Operator::kNotExists:
      return found == nullptr;
    case Operator::kGreater:
    case Operator::kLess: {
      auto number = to_number(value);
      if (found == nullptr || !number) return false;
      std::int64_t bound = to_number(requirement.values.front()).value_or(0);
      return requirement.op == Operator::kGreater ? *number > bound : *number < bound;
    }
  }
  return false;
}

}  // namespace

ApiResult<LabelSelector> LabelSelector::parse(std::string_view text) {
  auto requirements = Parser(text).parse();
  if (!requirements) return tl::unexpected(std::move(requirements).error());
  LabelSelector selector;
  selector.requirements_ = std::move(*requirements);
  return selector;
}

bool LabelSelector::matches(const json::object& object) const {
  const json::object& labels = object_at(object, {"metadata", "labels"});
  return std::ranges::all_of(requirements_, [&](const Requirement& r) { return holds(r, labels); });
}

}  // namespace fairlead::api
