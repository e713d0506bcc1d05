// What can fail returns Result<T>. The error says what was attempted and on what; it grows outward,
// so that the edge can log one line that needs no context: "add backend 10.0.0.3:80: send
// transaction: No space left on device".
#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

namespace fairlead {

/// `code` is for branching, `doing` is for people. `doing` already contains the kernel's or the
/// parser's answer.
struct Error {
  std::error_code code;
  std::string doing;
};

template <class T = void>
using Result = tl::expected<T, Error>;

/// An error of bad input: `doing` names the field and what is wrong with it.
inline tl::unexpected<Error> invalid(std::string doing) {
  return tl::unexpected(Error{std::make_error_code(std::errc::invalid_argument), std::move(doing)});
}

/// An error of the operating system: appends the text of `error_number` (an errno value) to
/// `doing`.
inline tl::unexpected<Error> system_error(int error_number, std::string doing) {
  std::error_code code(error_number, std::generic_category());
  return tl::unexpected(Error{code, std::move(doing) + ": " + code.message()});
}

inline tl::unexpected<Error> failure(std::error_code code, std::string doing) {
  return tl::unexpected(Error{code, std::move(doing) + ": " + code.message()});
}

/// Puts `doing` in front: called by whoever knows more than the function that failed.
inline tl::unexpected<Error> prefix(std::string_view doing, Error error) {
  error.doing.insert(0, std::string(doing) + ": ");
  return tl::unexpected(std::move(error));
}

}  // namespace fairlead

#define FAIRLEAD_CONCAT_(a, b) a##b
#define FAIRLEAD_CONCAT(a, b) FAIRLEAD_CONCAT_(a, b)
#define FAIRLEAD_TRY_(temporary, declaration, expression)                \
  auto temporary = (expression);                                         \
  if (!temporary) return ::tl::unexpected(std::move(temporary).error()); \
  declaration = *std::move(temporary)
/// `TRY(auto port, parse_port(text));` returns the error to the caller, or declares `port`. The one
/// macro that returns.
#define TRY(declaration, expression) \
  FAIRLEAD_TRY_(FAIRLEAD_CONCAT(try_result_, __COUNTER__), declaration, expression)
/// The same for Result<void>: `TRY_VOID(flush());`
#define TRY_VOID(expression)                                 \
  if (auto try_void_result = (expression); !try_void_result) \
  return ::tl::unexpected(std::move(try_void_result).error())
