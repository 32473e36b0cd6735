// The `error` codes of a token endpoint (RFC 6749 §5.2, RFC 8707 §2, RFC 9449 §5) and the error
// response's body.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace countersign::protocol {

enum class OAuthError : uint8_t {
  invalid_request,
  invalid_client,
  invalid_grant,
  unauthorized_client,
  unsupported_grant_type,
  invalid_scope,
  invalid_target,
  invalid_dpop_proof,
  use_dpop_nonce,
  server_error,
  temporarily_unavailable,
  other,  // a code that this program does not know; OAuthErrorResponse::code has it
};

struct OAuthErrorRow {
  OAuthError error;
  std::string_view code;  // "invalid_client"
  int status;             // of the answer that carries it
  bool may_pass;  // true: the same request may succeed later without anybody changing anything
};
const OAuthErrorRow& row_of(OAuthError error);
OAuthError parse_oauth_error(std::string_view code);  // `other` if unknown

struct OAuthErrorResponse {
  OAuthError error = OAuthError::other;
  std::string code;         // as on the wire
  std::string description;  // empty if absent
  std::string reason;       // Countersign's reason code; empty if absent
  std::string decision_id;  // empty if absent
};

// RFC 6749 §5.2, with two members of our own: `reason` and `decision_id`, left out if empty.
// Characters outside the description's charset are replaced by '?'; it is cut at 512 bytes.
std::string write_oauth_error(OAuthError error, std::string_view description,
                              std::string_view reason = {}, std::string_view decision_id = {});
// Strict about types and charset, tolerant of further members. An optional member that is not a
// string of the charset is dropped, so that what is here may be shown and logged.
// `oauth.bad_error_response`.
Result<OAuthErrorResponse> parse_oauth_error_response(std::string_view body);

}  // namespace countersign::protocol
