// WWW-Authenticate: what a server asks for and why it refused (RFC 9110 §11.6.1, RFC 6750 §3), and
// Retry-After.

#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace countersign::http {

struct Challenge {
  std::string scheme;                                       // as written; compare in any case
  std::string token68;                                      // instead of parameters; rarely used
  std::vector<std::pair<std::string, std::string>> params;  // values unquoted

  bool is(std::string_view scheme_name) const;
  // The value of this parameter, in any case; null if there is none.
  const std::string* find(std::string_view name) const;
  // The same, or empty.
  std::string_view value(std::string_view name) const;
};

// `Bearer error="invalid_token", error_description="…"`: values always as quoted strings; what a
// quoted string cannot hold (control characters) becomes a space, and what is not ASCII a '?', so
// that the field is always valid.
std::string to_field_value(const Challenge& challenge);

// All challenges of one field value. Strict (`http.bad_challenge`): tokens, one '=' with white
// space around it allowed as the grammar has it, no parameter twice in a challenge, at most 16
// challenges of 16 parameters, at most 4096 bytes.
Result<std::vector<Challenge>> parse_challenges(std::string_view field_value);

// How long a peer asks to wait: seconds or an HTTP-date (RFC 9110 §10.2.3). A date in the past is
// zero; more than `retry_after_max` is `retry_after_max`. `http.bad_retry_after`.
inline constexpr std::chrono::seconds retry_after_max = std::chrono::hours(24);
Result<std::chrono::seconds> parse_retry_after(std::string_view field_value, WallTime now);

}  // namespace countersign::http
