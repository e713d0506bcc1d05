// Members of a JSON object, with the type that they must have: an error names the field by its
// path.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cni/failure.hpp"

namespace fairlead::cni {

/// Looks at an object that outlives it. Keys are found in any case of letters, the exact one first:
/// Go's decoder does so, and runtimes rely on it. null counts as absent.
class Fields {
 public:
  /// `path`: "" for the whole configuration, else "runtimeConfig" and so on.
  Fields(const boost::json::object& object, std::string path)
      : object_(&object), path_(std::move(path)) {}

  [[nodiscard]] const boost::json::value* find(std::string_view key) const;
  /// Absent: nullopt, or nullptr.
  [[nodiscard]] Outcome<std::optional<std::string_view>> string(std::string_view key) const;
  [[nodiscard]] Outcome<std::optional<Fields>> object(std::string_view key) const;
  [[nodiscard]] Outcome<const boost::json::array*> array(std::string_view key) const;
  /// Not negative. Absent: 0.
  [[nodiscard]] Outcome<std::uint64_t> number(std::string_view key) const;

  [[nodiscard]] const boost::json::object& json() const { return *object_; }
  [[nodiscard]] std::string path_of(std::string_view key) const;

 private:
  const boost::json::object* object_;
  std::string path_;
};

/// Code 7: "FIELD: WHAT".
tl::unexpected<Failure> wrong_field(const std::string& field, std::string_view what);
std::string path_of(const std::string& array, std::size_t index);
Outcome<Fields> as_fields(const boost::json::value& value, std::string path);
Outcome<std::string_view> as_string(const boost::json::value& value, const std::string& path);

}  // namespace fairlead::cni
