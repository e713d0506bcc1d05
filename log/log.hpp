// Structured log lines on standard error: a message for people, then key=value for machines.
//
//   log::Logger log({.format = log::Format::kJson, .level = log::Level::kInfo});
//   log.info("synced", {{"services", plan.size()}, {"took_ms", 1.5}});
//   log::Logger datapath_log = log.with({{"datapath", "nftables"}});
//
//   text: 2026-01-02T03:04:05.123Z INFO  synced services=10 took_ms=1.5
//   json:
//   {"time":"2026-01-02T03:04:05.123Z","level":"info","message":"synced","services":10,"took_ms":1.5}
//
// ERROR means that a person must act. Log at the edge and once: whatever returns its error does not
// log it too.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "model/result.hpp"

namespace spdlog {
class logger;
}

namespace fairlead::log {

enum class Format { kText, kJson };
enum class Level { kDebug, kInfo, kWarn, kError };

/// "text" or "json"; "debug", "info", "warn" or "error".
Result<Format> parse_format(std::string_view text);
Result<Level> parse_level(std::string_view text);

/// One key=value of a line. The text it refers to must live until the call that logs it returns.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  Field(std::string_view name, const std::string& text)
      : key(name), value(std::string_view(text)) {}
  Field(std::string_view name, const Error& error)
      : key(name), value(std::string_view(error.doing)) {}
  Field(std::string_view name, bool truth) : key(name), value(truth) {}
  template <std::signed_integral T>
  Field(std::string_view name, T number) : key(name), value(std::int64_t{number}) {}
  template <std::unsigned_integral T>
  Field(std::string_view name, T number) : key(name), value(std::uint64_t{number}) {}
  template <std::floating_point T>
  Field(std::string_view name, T number) : key(name), value(double{number}) {}

  std::string_view key;
  Value value;
};

using Fields = std::initializer_list<Field>;

struct Options {
  Format format = Format::kText;
  Level level = Level::kInfo;
  /// Where the lines go instead of standard error; must outlive the logger and its copies.
  std::string* capture = nullptr;
};

/// A cheap handle: copies write to the same place. Safe to use from several threads (unless
/// captured).
class Logger {
 public:
  explicit Logger(const Options& options);

  /// A logger that puts `fields` behind the message of each line.
  [[nodiscard]] Logger with(Fields fields) const;

  void debug(std::string_view message, Fields fields = {}) const;
  void info(std::string_view message, Fields fields = {}) const;
  void warn(std::string_view message, Fields fields = {}) const;
  void error(std::string_view message, Fields fields = {}) const;

 private:
  void write(Level level, std::string_view message, Fields fields) const;

  std::shared_ptr<spdlog::logger> out_;
  Format format_;
  std::string context_;  // fields of with(), already rendered
};

}  // namespace fairlead::log
