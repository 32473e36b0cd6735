#include "provider/schemes/scheme.h"

#include <string>
#include <utility>

#include "protocol/access_token.h"

namespace countersign::provider {

using protocol::Reason;
using protocol::ScopeSet;
using protocol::Verdict;

const Verdict<AccessToken>& Evidence::access_token() {
  if (!token_) {
    token_ = trust_ != nullptr ? verify_access_token(credential_, *trust_, now_)
                               : protocol::deny(Reason::store_unavailable,
                                                "no signing key of the issuer is known");
  }
  return *token_;
}

PrincipalPtr Scheme::make_principal(PrincipalFacts facts) {
  return PrincipalPtr(new Principal(std::move(facts)));
}

ScopeSet Scheme::still_granted(const ScopeSet& granted, const ClientEntry& client) {
  if (client.scopes.contains_all(granted)) return granted;
  return granted.without(granted.without(client.scopes));
}

Verdict<ClientPtr> Scheme::active_client(const RegistryView& registry, std::string_view client_id) {
  const ClientPtr& client = registry.find_client(client_id);
  if (!client) {
    return protocol::deny(Reason::credential_unknown, "the client is not registered");
  }
  if (!client->active()) {
    return protocol::deny(Reason::client_disabled, "client " + client->client_id);
  }
  return client;
}

Verdict<PrincipalPtr> TokenScheme::verify(const SchemeRow& row, Evidence& evidence) const {
  const Verdict<AccessToken>& verified = evidence.access_token();
  if (!verified) return std::unexpected(verified.error());
  if (!is_mine(verified->confirmation)) return PrincipalPtr();
  const jose::VerifiedToken& token = verified->token;
  auto client = active_client(evidence.registry(), token.client_id());
  if (!client) return std::unexpected(std::move(client).error());
  const std::string* credential_id = token.string_claim(protocol::credential_id_claim);
  PrincipalFacts facts;
  facts.scheme = &row;
  facts.granted = verified->scopes;
  facts.scopes = still_granted(facts.granted, **client);
  facts.client = *std::move(client);
  facts.credential_id = credential_id != nullptr ? *credential_id : std::string();
  facts.token_id = token.jwt_id();
  facts.confirmation = verified->confirmation;
  facts.issued_at = verified->issued_at;
  facts.expires_at = token.expires_at();
  return make_principal(std::move(facts));
}

Verdict<PrincipalPtr> TokenScheme::renew(const Principal& principal,
                                         const RegistryView& registry) const {
  auto client = active_client(registry, principal.client_id());
  if (!client) return std::unexpected(std::move(client).error());
  PrincipalFacts facts = principal.facts();
  facts.scopes = still_granted(facts.granted, **client);
  facts.client = *std::move(client);
  return make_principal(std::move(facts));
}

}  // namespace countersign::provider
