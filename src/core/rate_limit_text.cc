#include "core/rate_limit_text.h"

#include <charconv>

#include "core/ascii.h"
#include "core/duration.h"

namespace countersign {
namespace {

constexpr uint32_t requests_max = 1'000'000;

std::unexpected<Error> malformed(std::string_view text) {
  return fail(ErrorKind::invalid_input, "rate.malformed",
              "expected a rate such as 100/s, 6000/m or 50/s burst 200", text.substr(0, 100));
}

std::unexpected<Error> out_of_range(std::string_view text) {
  return fail(ErrorKind::invalid_input, "rate.out_of_range",
              "a rate has 1 to 1000000 requests in a window of 1s to 1d", text.substr(0, 100));
}

Result<uint32_t> parse_count(std::string_view digits, std::string_view whole) {
  uint32_t count = 0;
  if (digits.empty() || !ascii::is_digit(digits.front())) return malformed(whole);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (end != digits.data() + digits.size()) return malformed(whole);
  if (error != std::errc() || count == 0 || count > requests_max) return out_of_range(whole);
  return count;
}

}  // namespace

Result<RateLimit> parse_rate_limit(std::string_view text) {
  const std::string_view whole = text;
  constexpr std::string_view burst_mark = " burst ";
  std::string_view burst;
  const size_t mark = text.find(burst_mark);
  if (mark != std::string_view::npos) {
    burst = text.substr(mark + burst_mark.size());
    text = text.substr(0, mark);
  }
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) return malformed(whole);
  RateLimit limit;
  CS_TRY(limit.requests, parse_count(text.substr(0, slash), whole));
  std::string window(text.substr(slash + 1));
  if (!ascii::is_digit(window.front())) window.insert(window.begin(), '1');
  const auto duration = parse_duration(window);
  if (!duration) return malformed(whole);
  if (*duration < std::chrono::seconds(1) || *duration > std::chrono::hours(24)) {
    return out_of_range(whole);
  }
  limit.window = *duration;
  limit.burst = limit.requests;
  if (mark != std::string_view::npos) {
    CS_TRY(limit.burst, parse_count(burst, whole));
  }
  return limit;
}

std::string format_rate_limit(const RateLimit& limit) {
  std::string text = std::to_string(limit.requests) + "/" + format_duration(limit.window);
  if (limit.burst != limit.requests) text += " burst " + std::to_string(limit.burst);
  return text;
}

}  // namespace countersign
