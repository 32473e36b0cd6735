// TokenFactory: makes the access tokens of our issuer (RFC 9068): signed JWTs with iss, sub,
// client_id, aud, exp, iat, jti, scope, and cnf (RFC 8705 §3.1) where they are bound. Whether a
// token may be made is decided before.

#pragma once

#include <chrono>
#include <span>
#include <string>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"
#include "core/secret.h"
#include "crypto/key.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "protocol/scope.h"
#include "provider/issuer/client_authentication.h"

namespace countersign::provider {

struct IssuedToken {
  Secret text;
  std::string token_id;
  std::chrono::seconds lifetime{0};
};

struct TokenFactoryOptions {
  std::string issuer;
  std::string audience;
  std::chrono::seconds lifetime{300};       // of clients that have none of their own
  std::chrono::seconds lifetime_max{3600};  // also of those
};

class TokenFactory final {
 public:
  // Tokens name the key by its RFC 7638 thumbprint. `entropy` outlives the object.
  TokenFactory(TokenFactoryOptions options, const crypto::PrivateKey& key, Entropy& entropy);

  // `scope` was checked against the client's. Fails only if signing does.
  Result<IssuedToken> issue(const AuthenticatedClient& client, const protocol::ScopeSet& scope,
                            WallTime now) const;

 private:
  TokenFactoryOptions options_;
  jose::TokenWriter writer_;
  Entropy& entropy_;
};

// The public halves, named by their RFC 7638 thumbprints: what the JWKS shows and what a gateway
// verifies with. Two equal keys are an error.
Result<jose::JwkSet> public_keys_of(std::span<const crypto::PrivateKey> keys);

}  // namespace countersign::provider
