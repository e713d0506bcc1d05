// Reading members of a JSON object whose types nobody has checked. What is wrong becomes a Problem
// that names the field.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/plan.hpp"
#include "model/quoted.hpp"
#include "model/result.hpp"

namespace fairlead {

/// Where a value is: "spec.ports[2].port". A list on the stack from the leaf up, so that a path
/// costs nothing until it is printed. A parent must outlive its children.
class Path {
 public:
  Path() = default;
  [[nodiscard]] Path operator/(std::string_view key) const& { return Path(this, key, kNoIndex); }
  [[nodiscard]] Path operator[](std::size_t index) const& { return Path(this, {}, index); }
  Path operator/(std::string_view) const&& = delete;
  Path operator[](std::size_t) const&& = delete;
  [[nodiscard]] std::string text() const;

 private:
  static constexpr auto kNoIndex = static_cast<std::size_t>(-1);
  Path(const Path* parent, std::string_view key, std::size_t index)
      : parent_(parent), key_(key), index_(index) {}

  const Path* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = kNoIndex;
};

/// The Problems of one object. A hostile object has as many mistakes as it likes, and gets a few
/// lines about them.
class ProblemList {
 public:
  static constexpr std::size_t kMostReported = 10;

  /// `object` as in "Service default/web".
  explicit ProblemList(std::string object) : object_(std::move(object)) {}
  void add(const Path& field, std::string message);
  [[nodiscard]] std::vector<Problem> take();
  [[nodiscard]] const std::string& object() const { return object_; }

 private:
  std::string object_;
  std::vector<Problem> problems_;
  std::size_t unreported_ = 0;
};

/// One JSON object, its place and where to complain. Null counts as absent, as everywhere in
/// Kubernetes. Neither copied nor moved, since children point to its path.
class Fields {
 public:
  Fields(const boost::json::object& object, const Path& path, ProblemList& problems)
      : object_(object), path_(path), problems_(problems) {}
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] ProblemList& problems() const { return problems_; }

  /// nullptr: absent or null.
  [[nodiscard]] const boost::json::value* find(std::string_view key) const;
  // Absent, or a Problem and absent when the type is another.
  [[nodiscard]] std::optional<std::string_view> text(std::string_view key) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;
  [[nodiscard]] const boost::json::object* object(std::string_view key) const;
  [[nodiscard]] const boost::json::array* array(std::string_view key) const;
  /// Text of at most `longest` bytes; anything longer is a Problem and absent.
  [[nodiscard]] std::optional<std::string_view> short_text(std::string_view key,
                                                           std::size_t longest) const;
  /// A section without which nothing useful is left: another type is an error, absence is nullptr.
  [[nodiscard]] Result<const boost::json::object*> section(std::string_view key) const;

  /// Calls `each(element, path)` for the elements of the array `key`; at most `most` of them, the
  /// rest is one Problem.
  template <class Each>
  void for_each(std::string_view key, std::size_t most, Each each) const {
    const auto* elements = array(key);
    if (elements == nullptr) return;
    const Path list = path_ / key;
    if (elements->size() > most) {
      problems_.add(list, std::to_string(elements->size()) + " elements, more than the " +
                              std::to_string(most) + " that are looked at; the rest is left out");
    }
    for (std::size_t i = 0; i < elements->size() && i < most; ++i) each((*elements)[i], list[i]);
  }

  /// The same for arrays of objects; an element that is none is a Problem. Calls `each(fields)`.
  template <class Each>
  void for_each_object(std::string_view key, std::size_t most, Each each) const {
    for_each(key, most, [&](const boost::json::value& element, const Path& path) {
      if (!element.is_object()) return wrong_type(path, "an object", element);
      each(Fields(element.get_object(), path, problems_));
    });
  }

  /// The same for arrays of text.
  template <class Each>
  void for_each_text(std::string_view key, std::size_t most, Each each) const {
    for_each(key, most, [&](const boost::json::value& element, const Path& path) {
      if (!element.is_string()) return wrong_type(path, "text", element);
      each(std::string_view(element.get_string()), path);
    });
  }

 private:
  void wrong_type(const Path& path, std::string_view wanted, const boost::json::value& got) const;

  const boost::json::object& object_;
  Path path_;
  ProblemList& problems_;
};

}  // namespace fairlead
