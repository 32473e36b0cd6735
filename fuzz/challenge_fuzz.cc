// WWW-Authenticate, Authorization, Retry-After and HTTP dates: short field values with grammars of
// their own.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "http/challenge.h"
#include "http/credentials.h"
#include "http/http_date.h"
#include "http/message.h"

namespace {

using namespace countersign;
using namespace countersign::http;

void require(bool holds, std::string_view what) {
  if (!holds) panic(what);
}

void check_challenges(std::string_view input) {
  const auto challenges = parse_challenges(input);
  if (!challenges) return;
  for (const Challenge& challenge : *challenges) {
    const std::string text = to_field_value(challenge);
    require(is_field_value(text), "a challenge that no field may hold");
    const auto again = parse_challenges(text);
    if (text.size() > 4096) continue;  // quoting may make it longer than what is read
    require(again && again->size() == 1 && again->front().params.size() == challenge.params.size(),
            "a challenge cannot be written");
  }
}

void check_credentials(std::string_view input) {
  const auto credentials = parse_credentials(input);
  if (!credentials) return;
  require(credentials->scheme.size() + 1 + credentials->token.size() == input.size(),
          "part of a credential is lost");
  const auto basic = parse_basic_credentials(credentials->token);
  if (!basic) return;
  const Secret written = basic_credentials(basic->client_id, basic->secret);
  const auto again =
      parse_basic_credentials(parse_credentials(written.unsafe_reveal_text())->token);
  require(again && again->client_id == basic->client_id && again->secret == basic->secret,
          "Basic credentials changed their meaning");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_challenges(input);
  check_credentials(input);
  if (const auto date = parse_http_date(input)) {
    const auto again = parse_http_date(format_http_date(*date));
    require(again && *again == *date, "a date changed its meaning");
  }
  if (const auto wait = parse_retry_after(input, from_unix_seconds(1'800'000'000))) {
    require(wait->count() >= 0 && *wait <= retry_after_max, "an unbounded wait");
  }
  return 0;
}
