// JSON -> values. An error begins where the value is and grows outward: ": is no text",
// "port: is no text", "transport.port: is no text".
#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <concepts>
#include <limits>

#include "dataplane/bgp/control/fields.hpp"
#include "dataplane/bgp/control/words.hpp"
#include "model/quoted.hpp"
#include "model/result.hpp"

namespace fairlead::bgp::control {

/// The error of what is in the field or element `place`.
inline tl::unexpected<Error> within(std::string place, Error error) {
  const bool joins = error.doing.starts_with(':') || error.doing.starts_with('[');
  error.doing.insert(0, std::move(place) + (joins ? "" : "."));
  return tl::unexpected(std::move(error));
}

struct JsonReader {
  using Value = boost::json::value;

  static Result<> read(const Value& from, bool& to) {
    if (!from.is_bool()) return invalid(": is neither true nor false");
    to = from.get_bool();
    return {};
  }

  template <std::unsigned_integral T>
  static Result<> read(const Value& from, T& to) {
    boost::system::error_code error;
    const auto number = from.to_number<std::uint64_t>(error);
    if (error || from.is_double()) return invalid(": is no whole number of at least 0");
    constexpr std::uint64_t kMost = std::numeric_limits<T>::max();
    if (number > kMost)
      return invalid(": " + std::to_string(number) + " is more than " + std::to_string(kMost));
    to = static_cast<T>(number);
    return {};
  }

  static Result<> read(const Value& from, std::string& to) {
    if (!from.is_string()) return invalid(": is no text");
    to = from.get_string();
    return {};
  }

  static Result<> read(const Value& from, Ip& to) { return parse(from, to, parse_ip); }
  static Result<> read(const Value& from, Prefix& to) { return parse(from, to, parse_cidr); }

  template <class Rep, class Period>
  static Result<> read(const Value& from, std::chrono::duration<Rep, Period>& to) {
    std::uint32_t count = 0;
    TRY_VOID(read(from, count));
    to = std::chrono::duration<Rep, Period>(count);
    return {};
  }

  template <WrapsNumber T>
  static Result<> read(const Value& from, T& to) {
    TRY_VOID(read(from, number_in(to)));
    if constexpr (std::same_as<T, Port>)
      if (to.host == 0) return invalid(": 0 is no port");
    return {};
  }

  template <HasWords T>
  static Result<> read(const Value& from, T& to) {
    std::string text;
    TRY_VOID(read(from, text));
    for (const auto& [value, word] : words_of(T{}))
      if (word == text) return to = value, Result<>{};
    return invalid(": " + quoted(text) + " is none of the words for it");
  }

  template <class T>
  static Result<> read(const Value& from, std::vector<T>& to) {
    if (!from.is_array()) return invalid(": is no list");
    to.reserve(from.get_array().size());
    for (const Value& element : from.get_array())
      if (auto done = read(element, to.emplace_back()); !done)
        return within("[" + std::to_string(to.size() - 1) + "]", std::move(done.error()));
    return {};
  }

  template <class T>
  requires requires(T& it) {
    each_field(it, [](const char*, auto&) {});
  }
  static Result<> read(const Value& from, T& to) {
    if (!from.is_object()) return invalid(": is no object");
    Result<> done;
    each_field(to, [&](const char* name, auto& field) {
      if (!done) return;
      if (auto taken = take(from.get_object().if_contains(name), field); !taken)
        done = within(name, std::move(taken.error()));
    });
    return done;
  }

 private:
  template <class T>
  static Result<> parse(const Value& from, T& to, Result<T> (*parser)(std::string_view)) {
    if (!from.is_string()) return invalid(": is no text");
    auto parsed = parser(from.get_string());
    if (!parsed) return invalid(": " + parsed.error().doing);
    to = *parsed;
    return {};
  }

  template <class T>
  static Result<> take(const Value* from, T& to) {
    return from == nullptr ? invalid(": is missing") : read(*from, to);
  }
  template <class T>
  static Result<> take(const Value* from, std::optional<T>& to) {
    return from == nullptr ? Result<>{} : read(*from, to.emplace());
  }
};

}  // namespace fairlead::bgp::control
