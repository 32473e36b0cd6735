// The token request and the token response (RFC 6749 §4.4, §5.1; RFC 8707; RFC 7521 §4.2), as both
// sides write and read them. Percent-encoding of forms is http/form.h's; HTTP status and header
// fields are the endpoint's.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "protocol/scope.h"

namespace countersign::protocol {

inline constexpr std::string_view client_credentials_grant = "client_credentials";
inline constexpr std::string_view refresh_token_grant = "refresh_token";  // RFC 6749 §6

// A decoded form parameter, as a view: secrets are not copied on the way.
struct Parameter {
  std::string_view name;
  std::string_view value;
};
using Parameters = std::vector<std::pair<std::string, std::string>>;

// Absent and empty are the same (RFC 6749 §3.2: a parameter without a value is treated as omitted).
struct TokenRequest {
  std::string grant_type;
  ScopeSet scope;
  std::vector<std::string> resources;  // RFC 8707 §2: may be repeated
  std::string client_id;
  Secret client_secret;
  std::string client_assertion_type;
  Secret client_assertion;
};

// From decoded form parameters. Unknown parameters are passed over (RFC 6749 §3.2). Fails closed,
// all of kind invalid_input: `oauth.repeated_parameter` (any name twice, known or not, but
// `resource`), `oauth.too_many_parameters`, `oauth.parameter_too_long`, `oauth.bad_parameter`
// (control bytes), `scope.…`.
Result<TokenRequest> parse_token_request(std::span<const Parameter> parameters);
inline constexpr size_t token_request_parameters_max = 32;
inline constexpr size_t token_request_resources_max = 8;

// What a client sends. The caller wipes what holds a secret (wipe_parameters).
Parameters write_token_request(const TokenRequest& request);
void wipe_parameters(Parameters& parameters);

enum class TokenType : uint8_t { bearer, dpop };
std::string_view name_of(TokenType type);  // "Bearer", "DPoP": also the authorization scheme

// `expires_in` as it came. Issuers leave it out, send text, zero or nonsense; each is told apart so
// that nobody takes one for "for ever".
struct ExpiresIn {
  enum class Kind : uint8_t {
    given,         // seconds holds it: more than zero, at most seconds_max
    capped,        // more than seconds_max: seconds holds seconds_max
    missing,       // absent or null
    not_positive,  // zero or less: the token must not be used
    malformed,     // neither a number nor a text of digits
  };
  static constexpr std::chrono::seconds seconds_max{365 * 24 * 3600};
  Kind kind = Kind::missing;
  std::chrono::seconds seconds{0};

  // The lifetime to count with: what was given, or `otherwise` where it is missing or malformed, or
  // zero.
  std::chrono::seconds or_else(std::chrono::seconds otherwise) const;
};

struct TokenResponse {
  Secret access_token;
  TokenType token_type = TokenType::bearer;
  ExpiresIn expires_in;
  std::optional<ScopeSet> scope;  // absent: as requested (RFC 6749 §5.1)
  // Empty: none, or one that is no text of printable ASCII (RFC 6749 §A.17) or longer than
  // refresh_token_bytes_max: the access token is as good without it.
  Secret refresh_token = {};
};
inline constexpr size_t refresh_token_bytes_max = 8 * 1024;

// A successful response's body, as a client reads it. `access_token` must be a b64token (RFC 6750
// §2.1) of at most access_token_bytes_max, so that it can be put into a header field; `token_type`
// must be one that this program understands (RFC 6749 §7.1), in any case. Further members are
// passed over. All errors are of kind unavailable: `oauth.bad_token_response`,
// `oauth.unknown_token_type`. Does not check that the scope is what was asked for.
Result<TokenResponse> parse_token_response(std::string_view body);
inline constexpr size_t access_token_bytes_max = 8 * 1024;

// The same as a provider writes it. The text holds the token: its owner wipes it.
struct TokenGrant {
  Secret access_token;
  TokenType token_type = TokenType::bearer;
  std::chrono::seconds expires_in{0};
  ScopeSet scope;
};
std::string write_token_response(const TokenGrant& grant);

// RFC 6750 §2.1 b64token.
bool is_b64token(std::string_view text);

}  // namespace countersign::protocol
