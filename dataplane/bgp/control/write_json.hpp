// Values -> JSON, as text: a hundred thousand routes are told one after another, and a tree of them
// would be made to be thrown away. What has no value is left out.
#pragma once

#include <boost/json/serialize.hpp>
#include <chrono>
#include <concepts>

#include "dataplane/bgp/control/fields.hpp"
#include "dataplane/bgp/control/words.hpp"

namespace fairlead::bgp::control {

/// Appends to `out`.
struct JsonWriter {
  std::string& out;

  void write(bool truth) { out += truth ? "true" : "false"; }
  void write(std::integral auto number) { out += std::to_string(number); }
  void write(const std::string& text) { out += boost::json::serialize(text); }
  void write(const Ip& ip) { write_plain(to_string(ip)); }
  void write(const Prefix& prefix) { write_plain(to_string(prefix)); }
  template <class Rep, class Period>
  void write(std::chrono::duration<Rep, Period> time) {
    write(time.count());
  }
  void write(const WrapsNumber auto& it) { write(number_in(it)); }
  void write(HasWords auto it) {
    for (const auto& [value, word] : words_of(it))
      if (value == it) return write_plain(word);
    out += "null";
  }

  template <class T>
  void write(const std::vector<T>& list) {
    out += '[';
    for (const T& element : list) {
      write(element);
      out += ',';
    }
    close(']');
  }

  template <class T>
  requires requires(const T& it) {
    each_field(it, [](const char*, const auto&) {});
  }
  void write(const T& it) {
    out += '{';
    each_field(it, [this](const char* name, const auto& field) { add(name, field); });
    close('}');
  }

 private:
  /// What needs no escape.
  void write_plain(std::string_view text) {
    out += '"';
    out += text;
    out += '"';
  }
  void add(const char* name, const auto& field) {
    write_plain(name);
    out += ':';
    write(field);
    out += ',';
  }
  template <class T>
  void add(const char* name, const std::optional<T>& field) {
    if (field) add(name, *field);
  }
  void close(char bracket) {
    if (out.back() == ',')
      out.back() = bracket;
    else
      out += bracket;
  }
};

}  // namespace fairlead::bgp::control
