// RFC 3339 <-> Time. Kubernetes writes "2026-01-02T03:04:05Z" (Time) or six more digits
// (MicroTime), always UTC; others may send an offset.
#include <charconv>
#include <cstdio>

#include "objects/decode.hpp"
#include "objects/fields.hpp"

namespace fairlead {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Takes text off the front; once something did not match, everything after it fails too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    if (rest_.size() < digits) return fail();
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  bool take(char wanted) {
    if (!peek(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) fail();
  }
  /// The digits of a fraction as microseconds; further digits are cut off.
  microseconds fraction() {
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1), ++digits) {
      if (digits < 6) value = value * 10 + (rest_[0] - '0');
    }
    if (digits == 0) fail();
    for (; digits < 6; ++digits) value *= 10;
    return microseconds(value);
  }
  [[nodiscard]] bool is_done() const { return ok_ && rest_.empty(); }

 private:
  [[nodiscard]] bool peek(char wanted) const { return ok_ && !rest_.empty() && rest_[0] == wanted; }
  int fail() {
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

minutes scan_offset(Scanner& scanner) {
  if (scanner.take('Z') || scanner.take('z')) return minutes(0);
  const int sign = scanner.take('-') ? -1 : 1;
  if (sign == 1) scanner.expect('+');
  const int hour = scanner.number(2);
  scanner.expect(':');
  return sign * (hours(hour) + minutes(scanner.number(2)));
}

std::string format(Time time, bool with_micros) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[48];
  int length =
      std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()),
                    unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                    int(clock.minutes().count()), int(clock.seconds().count()));
  std::string result(text, static_cast<std::size_t>(length));
  if (with_micros) {
    length = std::snprintf(text, sizeof text, ".%06d", int(clock.subseconds().count()));
    result.append(text, static_cast<std::size_t>(length));
  }
  return result + 'Z';
}

}  // namespace

Result<Time> parse_time(std::string_view text) {
  Scanner scanner(text);
  const int year = scanner.number(4);
  scanner.expect('-');
  const int month = scanner.number(2);
  scanner.expect('-');
  const int day = scanner.number(2);
  if (!scanner.take('t')) scanner.expect('T');
  const int hour = scanner.number(2);
  scanner.expect(':');
  const int minute = scanner.number(2);
  scanner.expect(':');
  const int second = scanner.number(2);
  const auto fraction = scanner.take('.') ? scanner.fraction() : microseconds(0);
  const auto offset = scan_offset(scanner);
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  // 60 is a leap second; it counts as the first second after.
  if (!scanner.is_done() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return invalid(quoted(text) + " is not a time such as 2026-01-02T03:04:05Z");
  }
  return std::chrono::sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + fraction -
         offset;
}

std::string format_time(Time time) { return format(time, false); }
std::string format_micro_time(Time time) { return format(time, true); }

}  // namespace fairlead
