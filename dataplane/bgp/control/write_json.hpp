// Values -> JSON. What has no value is left out.
#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <concepts>

#include "dataplane/bgp/control/fields.hpp"
#include "dataplane/bgp/control/words.hpp"

namespace fairlead::bgp::control {

struct JsonWriter {
  using Value = boost::json::value;

  static Value write(bool truth) { return truth; }
  static Value write(std::unsigned_integral auto number) { return number; }
  static Value write(const std::string& text) { return Value(text); }
  static Value write(const Ip& ip) { return Value(to_string(ip)); }
  static Value write(const Prefix& prefix) { return Value(to_string(prefix)); }
  template <class Rep, class Period>
  static Value write(std::chrono::duration<Rep, Period> time) {
    return time.count();
  }
  static Value write(const WrapsNumber auto& it) { return number_in(it); }
  static Value write(HasWords auto it) {
    for (const auto& [value, word] : words_of(it))
      if (value == it) return Value(word);
    return nullptr;
  }

  template <class T>
  static Value write(const std::vector<T>& list) {
    boost::json::array array;
    array.reserve(list.size());
    for (const T& element : list) array.push_back(write(element));
    return array;
  }

  template <class T>
  requires requires(const T& it) {
    each_field(it, [](const char*, const auto&) {});
  }
  static Value write(const T& it) {
    boost::json::object object;
    each_field(it, [&object](const char* name, const auto& field) { add(object, name, field); });
    return object;
  }

 private:
  static void add(boost::json::object& object, const char* name, const auto& field) {
    object.emplace(name, write(field));
  }
  template <class T>
  static void add(boost::json::object& object, const char* name, const std::optional<T>& field) {
    if (field) object.emplace(name, write(*field));
  }
};

}  // namespace fairlead::bgp::control
