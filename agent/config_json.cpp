// The table of options -> JSON.
#include "agent/config_json.hpp"

#include <charconv>

#include "agent/options.hpp"

namespace fairlead {
namespace {

namespace json = boost::json;

json::value value_of(const Option& option, const AgentConfig& config) {
  const auto texts = option.get(config);
  switch (option.shape) {
    case Shape::kList:
      return json::array(texts.begin(), texts.end());
    case Shape::kBool:
      return texts.at(0) == "true";
    case Shape::kNumber: {
      std::int64_t number = 0;
      std::from_chars(texts.at(0).data(), texts.at(0).data() + texts.at(0).size(), number);
      return number;
    }
    case Shape::kText:
    case Shape::kDuration:
      break;
  }
  return json::string(texts.at(0));
}

}  // namespace

json::object config_json(const AgentConfig& config) {
  json::object root;
  for (const Option& option : options()) {
    if (option.field.empty()) continue;
    const auto dot = option.field.find('.');
    json::object* parent = &root;
    if (dot != std::string_view::npos) {
      auto& section = root[option.field.substr(0, dot)];
      parent = section.is_object() ? &section.as_object() : &section.emplace_object();
    }
    (*parent)[option.field.substr(dot == std::string_view::npos ? 0 : dot + 1)] =
        value_of(option, config);
  }
  return root;
}

}  // namespace fairlead
