// How an answer is shown: -o json, yaml or table.
#pragma once

#include <boost/json/value.hpp>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

enum class Output : std::uint8_t { kTable, kJson, kYaml };

std::string to_yaml(const boost::json::value& value);
/// Indented by two blanks.
std::string to_pretty_json(const boost::json::value& value);

/// Columns as wide as their widest cell, two blanks between; the first row is the heading.
std::string to_table(const std::vector<std::vector<std::string>>& rows);

/// A member as text; "" where it does not exist. "sync.lastError" is a member of a member.
std::string text_at(const boost::json::value& value, std::string_view path);

}  // namespace fairlead::cli
