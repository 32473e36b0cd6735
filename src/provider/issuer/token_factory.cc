#include "provider/issuer/token_factory.h"

#include <algorithm>
#include <utility>

#include "protocol/access_token.h"
#include "protocol/confirmation.h"
#include "protocol/token_id.h"

namespace countersign::provider {

TokenFactory::TokenFactory(TokenFactoryOptions options, const crypto::PrivateKey& key,
                           Entropy& entropy)
    : options_(std::move(options)),
      writer_(key, jose::thumbprint(key.public_key())),
      entropy_(entropy) {}

Result<IssuedToken> TokenFactory::issue(const AuthenticatedClient& client,
                                        const protocol::ScopeSet& scope, WallTime now) const {
  const std::string& client_id = client.client().client_id;
  const auto lifetime =
      std::min(client.client().token_lifetime.value_or(options_.lifetime), options_.lifetime_max);
  jose::TokenClaims claims;
  claims.issuer = options_.issuer;
  // RFC 9068 §2.2: without a resource owner, sub identifies the client.
  claims.subject = client_id;
  claims.client_id = client_id;
  claims.audiences = {options_.audience};
  claims.scope = scope.to_string();
  claims.jwt_id = protocol::TokenId::make(now, entropy_).to_string();
  claims.issued_at = std::chrono::floor<std::chrono::seconds>(now);
  claims.expires_at = claims.issued_at + lifetime;
  if (client.bound_certificate()) {
    claims.confirmations.push_back(protocol::certificate_confirmation(*client.bound_certificate()));
  }
  if (!client.credential_id().empty()) {
    claims.extra.emplace_back(protocol::credential_id_claim, client.credential_id());
  }
  CS_TRY(std::string text, writer_.sign(claims));
  return IssuedToken{Secret::take(std::move(text)), std::move(claims.jwt_id), lifetime};
}

Result<jose::JwkSet> public_keys_of(std::span<const crypto::PrivateKey> keys) {
  jose::JwkSet set;
  for (const crypto::PrivateKey& key : keys) {
    CS_CHECK(set.add({key.public_key(), jose::thumbprint(key.public_key())}));
  }
  return set;
}

}  // namespace countersign::provider
