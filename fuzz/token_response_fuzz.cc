// An issuer's answers, as a client reads them: token responses, OAuth errors, problem documents.
// What is accepted can be put into a header field or a log line as it is.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/oauth_error.h"
#include "protocol/refusal.h"
#include "protocol/token_messages.h"

namespace {

using namespace countersign;
using namespace countersign::protocol;

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_one_line(std::string_view text) {
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

void check_token(const TokenResponse& response) {
  const std::string_view token = response.access_token.unsafe_reveal_text();
  check(is_b64token(token) && token.size() <= access_token_bytes_max);
  const auto lifetime = response.expires_in.or_else(std::chrono::seconds(1));
  check(lifetime.count() >= 0 && lifetime <= ExpiresIn::seconds_max);
  if (response.expires_in.kind == ExpiresIn::Kind::given) check(lifetime.count() > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto response = parse_token_response(input)) check_token(*response);
  if (const auto error = parse_oauth_error_response(input)) {
    check(!error->code.empty() && is_one_line(error->code) && is_one_line(error->description));
    check(is_one_line(error->reason) && is_one_line(error->decision_id));
  }
  if (const auto refusal = parse_refusal(input)) {
    check(!refusal->reason.empty() && is_one_line(refusal->title) && is_one_line(refusal->advice));
    check(is_one_line(refusal->decision_id) && is_one_line(refusal->source));
  }
  return 0;
}
