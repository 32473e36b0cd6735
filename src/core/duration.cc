#include "core/duration.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "core/ascii.h"

namespace countersign {
namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};

// Larger ones first: format_duration() takes them in this order and parse_duration() insists on it.
constexpr std::array<Unit, 7> units = {{{"d", 86'400'000'000'000},
                                        {"h", 3'600'000'000'000},
                                        {"m", 60'000'000'000},
                                        {"s", 1'000'000'000},
                                        {"ms", 1'000'000},
                                        {"us", 1'000},
                                        {"ns", 1}}};

// A century: no timeout or lifetime is longer, and sums of a few stay far from overflow.
constexpr int64_t nanoseconds_max = 36'500 * units[0].nanoseconds;

std::unexpected<Error> malformed(std::string_view text) {
  return fail(
      ErrorKind::invalid_input, "duration.malformed",
      "expected a duration such as 250ms, 2s, 5m or 1h30m, not \"" + std::string(text) + "\"");
}

std::unexpected<Error> too_large() {
  return fail(ErrorKind::invalid_input, "duration.too_large", "a duration is longer than 36500d");
}

// Takes the leading characters for which `accept` holds off `rest`.
template <typename Accept>
std::string_view take_while(std::string_view& rest, Accept accept) {
  size_t length = 0;
  while (length < rest.size() && accept(rest[length])) ++length;
  const std::string_view taken = rest.substr(0, length);
  rest.remove_prefix(length);
  return taken;
}

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds(0);
  std::string_view rest = text;
  if (rest.empty()) return malformed(text);
  int64_t total = 0;
  size_t next_unit = 0;
  while (!rest.empty()) {
    const std::string_view digits = take_while(rest, ascii::is_digit);
    const std::string_view name = take_while(rest, ascii::is_alpha);
    size_t unit = next_unit;
    while (unit < units.size() && units[unit].name != name) ++unit;
    if (digits.empty() || unit == units.size()) return malformed(text);
    int64_t count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc() || count > (nanoseconds_max - total) / units[unit].nanoseconds) {
      return too_large();
    }
    total += count * units[unit].nanoseconds;
    next_unit = unit + 1;
  }
  return std::chrono::nanoseconds(total);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  int64_t rest = duration.count();
  std::string text;
  for (const Unit& unit : units) {
    if (rest < unit.nanoseconds) continue;
    text += std::to_string(rest / unit.nanoseconds);
    text += unit.name;
    rest %= unit.nanoseconds;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace countersign
