// A line is rendered here (message and fields, quoted as the format needs), then handed to spdlog,
// which adds time and level and writes it whole: two threads never mix their lines.
#include "log/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <iterator>
#include <mutex>

namespace fairlead::log {
namespace {

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";

struct LevelName {
  Level level;
  std::string_view name;
  std::string_view padded;
  spdlog::level::level_enum native;
};

constexpr std::array<LevelName, 4> kLevels{{
    {Level::kDebug, "debug", "DEBUG", spdlog::level::debug},
    {Level::kInfo, "info", "INFO ", spdlog::level::info},
    {Level::kWarn, "warn", "WARN ", spdlog::level::warn},
    {Level::kError, "error", "ERROR", spdlog::level::err},
}};

const LevelName& describe(Level level) { return kLevels[static_cast<std::size_t>(level)]; }

class CaptureSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit CaptureSink(std::string& out) : out_(out) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    out_.append(line.data(), line.size());
  }
  void flush_() override {}

  std::string& out_;
};

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void append_value(std::string& out, const Field::Value& value, Format format) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (format == Format::kJson || needs_quotes(*text)) {
      append_quoted(out, *text);
    } else {
      out += *text;
    }
    return;
  }
  std::visit(
      [&out](const auto& scalar) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(scalar)>, std::string_view>) {
          fmt::format_to(std::back_inserter(out), "{}", scalar);
        }
      },
      value);
}

void append_fields(std::string& out, Fields fields, Format format) {
  for (const Field& field : fields) {
    if (format == Format::kJson) {
      out += ',';
      append_quoted(out, field.key);
      out += ':';
    } else {
      out += ' ';
      out += field.key;
      out += '=';
    }
    append_value(out, field.value, format);
  }
}

}  // namespace

Result<Format> parse_format(std::string_view text) {
  if (text == "text") return Format::kText;
  if (text == "json") return Format::kJson;
  return invalid(fmt::format("log format \"{}\": must be text or json", text));
}

Result<Level> parse_level(std::string_view text) {
  for (const LevelName& level : kLevels) {
    if (level.name == text) return level.level;
  }
  return invalid(fmt::format("log level \"{}\": must be debug, info, warn or error", text));
}

Logger::Logger(const Options& options) : format_(options.format) {
  spdlog::sink_ptr sink;
  if (options.capture != nullptr) {
    sink = std::make_shared<CaptureSink>(*options.capture);
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  out_ = std::make_shared<spdlog::logger>("fairlead", std::move(sink));
  out_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      format_ == Format::kJson ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc));
  out_->set_level(describe(options.level).native);
}

Logger Logger::with(Fields fields) const {
  Logger narrowed = *this;
  append_fields(narrowed.context_, fields, format_);
  return narrowed;
}

void Logger::debug(std::string_view message, Fields fields) const {
  write(Level::kDebug, message, fields);
}
void Logger::info(std::string_view message, Fields fields) const {
  write(Level::kInfo, message, fields);
}
void Logger::warn(std::string_view message, Fields fields) const {
  write(Level::kWarn, message, fields);
}
void Logger::error(std::string_view message, Fields fields) const {
  write(Level::kError, message, fields);
}

void Logger::write(Level level, std::string_view message, Fields fields) const {
  const LevelName& described = describe(level);
  if (!out_->should_log(described.native)) return;
  std::string line;
  if (format_ == Format::kJson) {
    line = fmt::format(R"("level":"{}","message":)", described.name);
    append_quoted(line, message);
  } else {
    line = fmt::format("{} {}", described.padded, message);
  }
  append_fields(line, fields, format_);
  line += context_;
  out_->log(described.native, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace fairlead::log
