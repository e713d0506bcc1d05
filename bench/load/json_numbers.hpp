// Numbers out of JSON, with errors that name the field.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "model/result.hpp"

namespace fairlead::bench {

template <class Number>
Result<> read_number(const boost::json::value& value, std::string_view name, Number& field) {
  boost::system::error_code error;
  const Number number = value.to_number<Number>(error);
  if (error) return invalid(std::string(name) + ": no number, or out of range");
  field = number;
  return {};
}

template <class Number>
Result<> read_number(const boost::json::object& object, std::string_view name, Number& field) {
  const boost::json::value* member = object.if_contains(name);
  if (!member) return invalid(std::string(name) + ": missing");
  return read_number(*member, name, field);
}

}  // namespace fairlead::bench
