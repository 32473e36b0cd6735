// JSON Web Tokens (RFC 7519), as access tokens (RFC 9068) and client assertions (RFC 7523) use
// them, checked as RFC 8725 advises. Signed compact form only.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "crypto/key.h"
#include "jose/jwk.h"
#include "jose/jws.h"

namespace countersign::jose {

inline constexpr std::string_view access_token_typ = "at+jwt";  // RFC 9068 §2.1

// What a token has to be. Issuer, audience and typ have no default: left empty, every token is
// refused
// (`jose.rules_incomplete`), so that what nobody configured is not what nobody checks.
struct JwtRules {
  std::string issuer;
  std::string audience;  // must be one of the token's
  std::string typ;  // compared without case and without a leading "application/" (RFC 7515 §4.1.9)
  std::vector<const crypto::SignatureAlgorithm*> algorithms{&crypto::es256, &crypto::ps256,
                                                            &crypto::eddsa};
  // How far iat and nbf may lie in the future, for clocks that differ; never applied to exp. Above
  // 60 s is `jose.rules_incomplete`: that is no longer skew.
  std::chrono::seconds clock_skew{10};
  // exp - iat at most; unset: no limit of ours. A token without iat is then refused.
  std::optional<std::chrono::seconds> lifetime_max;
  // Claims that must be there besides iss, aud and exp. RFC 9068 §2.2 demands these; a client
  // assertion names others.
  std::vector<std::string> required_claims{"sub", "iat", "jti", "client_id"};
  size_t bytes_max = 8 * 1024;
};

// One member of cnf (RFC 7800 §3.1). Whoever uses the token must know every member and enforce it,
// or refuse.
struct Confirmation {
  std::string name;     // "x5t#S256", "jkt"
  std::string value;    // the string, or compact JSON for any other type
  bool is_text = true;  // the value was a JSON string; TokenWriter always writes one
};

struct TokenClaims {
  std::string issuer;
  std::string subject;
  std::vector<std::string> audiences;
  std::string client_id;
  std::string scope;  // space-separated, as written
  std::string jwt_id;
  WallTime issued_at{};
  WallTime expires_at{};
  std::optional<WallTime> not_before;
  std::vector<Confirmation> confirmations;
  // Other claims whose values are strings, in the order of the token.
  std::vector<std::pair<std::string, std::string>> extra;
};

// A token whose signature and claims hold. Only verify_token makes one. It was valid at the time it
// was verified: whoever keeps it must look at expires_at again.
class VerifiedToken final {
 public:
  const std::string& issuer() const { return claims_.issuer; }
  const std::string& subject() const { return claims_.subject; }  // empty: none
  const std::vector<std::string>& audiences() const { return claims_.audiences; }
  const std::string& client_id() const { return claims_.client_id; }
  const std::string& scope() const { return claims_.scope; }
  const std::string& jwt_id() const { return claims_.jwt_id; }
  // Invalid from this moment on. Never the epoch.
  WallTime expires_at() const { return claims_.expires_at; }
  std::optional<WallTime> issued_at() const { return issued_at_; }
  std::optional<WallTime> not_before() const { return claims_.not_before; }
  const std::vector<Confirmation>& confirmations() const { return claims_.confirmations; }
  const std::string& kid() const { return kid_; }
  const std::string& typ() const { return typ_; }  // lower case, without "application/"
  // Another claim whose value is a string; null if there is none.
  const std::string* string_claim(std::string_view name) const;

 private:
  friend class TokenVerification;
  VerifiedToken() = default;
  TokenClaims claims_;
  std::optional<WallTime> issued_at_;
  std::string kid_;
  std::string typ_;
};

// Signature first, then claims. Besides the codes of verify_jws: `jose.rules_incomplete`,
// `jose.typ_mismatch`, `jose.bad_claims` (malformed or of a wrong type), `jose.claim_missing`,
// `jose.issuer_mismatch`, `jose.audience_mismatch`, `jose.expired` (exp at or before `now`),
// `jose.not_yet_valid`, `jose.lifetime_too_long`. Fails closed. Does NOT check: scope, binding
// (confirmations), revocation, whether the jti was seen before.
Result<VerifiedToken> verify_token(std::string_view compact, const JwkSet& keys,
                                   const JwtRules& rules, WallTime now);

// Makes tokens with one key, kid and typ; the header is encoded once. Thread-safe.
class TokenWriter final {
 public:
  TokenWriter(crypto::PrivateKey key, std::string_view kid,
              std::string_view typ = access_token_typ);

  // Claims that are empty are left out; iat and exp are always written, in whole seconds rounded
  // down. One audience is written as a string, several as an array.
  Result<std::string> sign(const TokenClaims& claims) const;

 private:
  crypto::PrivateKey key_;
  std::string encoded_header_;  // with the dot behind it
};

}  // namespace countersign::jose
