#include "http/http_date.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/ascii.h"

namespace countersign::http {
namespace {

constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed",
                                                      "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
// Every character that is not part of a value: 'a' stands for a letter, '0' for a digit.
constexpr std::string_view shape = "aaa, 00 aaa 0000 00:00:00 GMT";

bool has_shape(std::string_view text) {
  if (text.size() != shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool fits = shape[i] == 'a'   ? ascii::is_alpha(text[i])
                      : shape[i] == '0' ? ascii::is_digit(text[i])
                                        : text[i] == shape[i];
    if (!fits) return false;
  }
  return true;
}

int number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

std::string format_http_date(WallTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time - days).count();
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", weekdays[std::chrono::weekday(days).c_encoding()],
      static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), seconds / 3600, seconds / 60 % 60, seconds % 60);
}

Result<WallTime> parse_http_date(std::string_view text) {
  const auto refused = [] {
    return fail(ErrorKind::invalid_input, "http.bad_date",
                "expected a date such as Sun, 06 Nov 1994 08:49:37 GMT");
  };
  if (!has_shape(text)) return refused();
  const auto month = std::ranges::find(months, text.substr(8, 3));
  const std::chrono::year_month_day date(
      std::chrono::year(number(text.substr(12, 4))),
      std::chrono::month(static_cast<unsigned>(month - months.begin() + 1)),
      std::chrono::day(static_cast<unsigned>(number(text.substr(5, 2)))));
  const int hour = number(text.substr(17, 2));
  const int minute = number(text.substr(20, 2));
  const int second = number(text.substr(23, 2));
  if (month == months.end() || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return refused();
  const std::chrono::sys_days days(date);
  if (weekdays[std::chrono::weekday(days).c_encoding()] != text.substr(0, 3)) return refused();
  return WallTime(days) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace countersign::http
