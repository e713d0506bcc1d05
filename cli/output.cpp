// JSON -> text in three shapes.
#include "cli/output.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace fairlead::cli {
namespace {

namespace json = boost::json;

void emit(YAML::Emitter& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object:
      out << YAML::BeginMap;
      for (const auto& [key, member] : value.as_object()) {
        out << YAML::Key << std::string(key) << YAML::Value;
        emit(out, member);
      }
      out << YAML::EndMap;
      return;
    case json::kind::array:
      out << YAML::BeginSeq;
      for (const auto& item : value.as_array()) emit(out, item);
      out << YAML::EndSeq;
      return;
    case json::kind::string:
      out << YAML::DoubleQuoted << std::string(value.as_string());
      return;
    case json::kind::null:
      out << YAML::Null;
      return;
    case json::kind::bool_:
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      out << json::serialize(value);
      return;
  }
}

void print(std::string& out, const json::value& value, std::size_t indent) {
  const std::string inner(indent + 2, ' ');
  const std::string outer(indent, ' ');
  if (value.is_object() && !value.as_object().empty()) {
    std::string_view separator = "{\n";
    for (const auto& [key, member] : value.as_object()) {
      out.append(separator).append(inner).append(json::serialize(json::string(key))).append(": ");
      print(out, member, indent + 2);
      separator = ",\n";
    }
    out.append("\n").append(outer).append("}");
  } else if (value.is_array() && !value.as_array().empty()) {
    std::string_view separator = "[\n";
    for (const auto& item : value.as_array()) {
      out.append(separator).append(inner);
      print(out, item, indent + 2);
      separator = ",\n";
    }
    out.append("\n").append(outer).append("]");
  } else {
    out.append(json::serialize(value));
  }
}

}  // namespace

std::string to_yaml(const json::value& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str()) + "\n";
}

std::string to_pretty_json(const json::value& value) {
  std::string out;
  print(out, value, 0);
  return out + "\n";
}

std::string to_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string text_at(const json::value& value, std::string_view path) {
  const json::value* found = &value;
  while (found != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
    found = found->is_object() ? found->as_object().if_contains(name) : nullptr;
  }
  if (found == nullptr || found->is_null()) return "";
  return found->is_string() ? std::string(found->as_string()) : json::serialize(*found);
}

}  // namespace fairlead::cli
