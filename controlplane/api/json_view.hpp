// Looking into JSON objects that have been decoded: a missing part reads as empty.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::api {

/// The value under a path of object keys, nullptr if a part is missing.
const boost::json::value* find_value(const boost::json::object& object,
                                     std::initializer_list<std::string_view> path);
/// A copy-free view of what is there; empty if missing or of another type. Valid as long as
/// `object`.
std::string_view text_at(const boost::json::object& object,
                         std::initializer_list<std::string_view> path);
const boost::json::object& object_at(const boost::json::object& object,
                                     std::initializer_list<std::string_view> path);
const boost::json::array& array_at(const boost::json::object& object,
                                   std::initializer_list<std::string_view> path);
std::optional<std::int64_t> integer_at(const boost::json::object& object,
                                       std::initializer_list<std::string_view> path);
bool true_at(const boost::json::object& object, std::initializer_list<std::string_view> path);

std::string_view text_of(const boost::json::value& value);
std::optional<std::int64_t> integer_of(const boost::json::value& value);
/// The object in `value`, or an empty one.
const boost::json::object& object_of(const boost::json::value& value);

/// object[key] as an object, made if it is not one.
boost::json::object& ensure_object(boost::json::object& object, std::string_view key);

/// "spec.ports" + [3] -> "spec.ports[3]".
std::string indexed(std::string_view field, std::size_t index);

}  // namespace fairlead::api
