// Access tokens of our issuer (RFC 9068), verified locally: what the OAuth2 schemes share. Knows
// nothing of clients or the registry.

#pragma once

#include <string_view>

#include "core/clock.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "protocol/confirmation.h"
#include "protocol/reason.h"
#include "protocol/scope.h"

namespace countersign::provider {

// Whose tokens are believed: the issuer's keys and what its tokens must say. A new version replaces
// the old one as a whole; what was verified under an older version is verified again.
struct TokenTrust {
  jose::JwkSet keys;
  jose::JwtRules rules;
};

struct AccessToken {
  jose::VerifiedToken token;
  protocol::Confirmation confirmation;
  protocol::ScopeSet scopes;
  WallTime issued_at{};  // to the microsecond if the jti tells (protocol/token_id.h), else iat
};

// Signature, claims, every member of cnf known, scope well-formed. Fails closed. Does NOT check
// that the client exists, that the binding holds, or that nothing was cut off.
protocol::Verdict<AccessToken> verify_access_token(std::string_view text, const TokenTrust& trust,
                                                   WallTime now);

}  // namespace countersign::provider
