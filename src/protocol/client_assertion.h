// Client assertions: how a client proves to an issuer that it holds a private key (RFC 7523 §2.2,
// §3; method private_key_jwt). Writing is the consumer's half, checking the issuer's.
//
// Stricter than RFC 7523, as draft-ietf-oauth-rfc7523bis and the FAPI 2.0 security profile ask: the
// audience is the issuer's identifier and nothing else, so that an assertion shown to one issuer
// is of no use at another whatever endpoints the first one names; `typ` tells an assertion from
// every other token that the same key may sign.
//
// Does not keep the identifiers that were seen: that an assertion counts once is its user's part.

#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"
#include "core/secret.h"
#include "crypto/key.h"
#include "jose/jwk.h"
#include "jose/jwt.h"

namespace countersign::protocol {

// RFC 7523 §2.2: the value of the parameter client_assertion_type.
inline constexpr std::string_view client_assertion_type =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
// draft-ietf-oauth-rfc7523bis: explicit typing, as RFC 8725 §3.11 advises.
inline constexpr std::string_view client_assertion_typ = "client-authentication+jwt";
// From iat to exp: one request, and clocks that are a little apart.
inline constexpr std::chrono::seconds client_assertion_lifetime{60};
inline constexpr size_t client_assertion_bytes_max = 8 * 1024;

// Writes assertions with one key. Thread-safe.
class ClientAssertionWriter final {
 public:
  // An empty `kid` is the key's thumbprint (RFC 7638 §3).
  explicit ClientAssertionWriter(crypto::PrivateKey key, std::string_view kid = {});

  // A new one for each request: iss and sub are the client, aud is the issuer, jti has 128 random
  // bits, iat is now. Fails only if OpenSSL does.
  Result<Secret> write(std::string_view client_id, std::string_view issuer, WallTime now,
                       Entropy& entropy) const;

  const crypto::SignatureAlgorithm& algorithm() const { return public_key_.algorithm(); }
  const crypto::PublicKey& public_key() const { return public_key_; }

 private:
  crypto::PublicKey public_key_;
  jose::TokenWriter writer_;
};

// What an assertion has to be. Left empty, `client_id` and `issuer` refuse every assertion
// (`assertion.rules_incomplete`).
struct ClientAssertionRules {
  std::string client_id;  // whose keys it is checked with
  std::string issuer;     // the checking side's own identifier: the only audience
  std::vector<const crypto::SignatureAlgorithm*> algorithms{&crypto::es256, &crypto::ps256,
                                                            &crypto::eddsa};
  // How far iat and nbf may lie in the future; never applied to exp.
  std::chrono::seconds clock_skew{10};
  // How far exp may lie ahead. Bounds for how long identifiers must be remembered.
  std::chrono::seconds lifetime_max{300};
  // Also refuse `typ` "JWT" and none, which most client libraries still send.
  bool typ_required = false;
};

// An assertion whose signature and claims hold. Only verify_client_assertion() makes one.
class VerifiedClientAssertion final {
 public:
  const std::string& client_id() const { return client_id_; }
  const std::string& jwt_id() const { return jwt_id_; }  // printable ASCII, at most 256 bytes
  WallTime expires_at() const { return expires_at_; }    // until then jwt_id must be remembered

 private:
  friend class ClientAssertionVerification;
  VerifiedClientAssertion() = default;
  std::string client_id_;
  std::string jwt_id_;
  WallTime expires_at_{};
};

// Besides the codes of jose::verify_jws: `assertion.rules_incomplete`, `assertion.wrong_typ`,
// `assertion.bad_claims` (malformed or of a wrong type), `assertion.claim_missing`,
// `assertion.wrong_client` (iss or sub), `assertion.wrong_audience`, `assertion.expired` (exp at or
// before `now`), `assertion.not_yet_valid`, `assertion.lifetime_too_long`. Fails closed.
Result<VerifiedClientAssertion> verify_client_assertion(std::string_view assertion,
                                                        const jose::JwkSet& keys,
                                                        const ClientAssertionRules& rules,
                                                        WallTime now);

// The client that an assertion says it is from, to find the keys that it is checked with. Proves
// nothing: no signature is looked at. `assertion.malformed`.
Result<std::string> parse_asserted_client_id(std::string_view assertion);

}  // namespace countersign::protocol
