// Principal: the result of a verified credential. Who calls, with what, and what that is tied to.
//
// Only a scheme can make one (scheme.h), so that a function which takes a Principal cannot be given
// somebody who was not verified. It was verified once: expiry, bindings and cut-offs are looked at
// on every request by the gateway's stages.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "protocol/confirmation.h"
#include "protocol/scope.h"
#include "provider/registry/registry_entries.h"

namespace countersign::provider {

struct SchemeRow;

struct PrincipalFacts {
  const SchemeRow* scheme = nullptr;
  ClientPtr client;            // as registered when the principal was made
  KeyPtr key;                  // API keys only
  std::string credential_id;   // key id; for a token the secret it was granted for, or empty
  std::string token_id;        // jti; empty for API keys
  protocol::ScopeSet granted;  // by the credential
  protocol::ScopeSet scopes;   // of those, the ones that the client still has
  protocol::Confirmation confirmation;  // of the token; a key's own certificate is in `key`
  WallTime issued_at{};                 // of the token or the key: what cut-offs compare with
  WallTime not_before{};                // invalid before
  std::optional<WallTime> expires_at;   // invalid from this moment on; nullopt: never
};

class Principal final {
 public:
  const SchemeRow& scheme() const { return *facts_.scheme; }
  const ClientEntry& client() const { return *facts_.client; }
  const ClientPtr& client_entry() const { return facts_.client; }
  const KeyPtr& key_entry() const { return facts_.key; }
  const std::string& client_id() const { return facts_.client->client_id; }
  const std::string& credential_id() const { return facts_.credential_id; }
  const std::string& token_id() const { return facts_.token_id; }
  const protocol::ScopeSet& scopes() const { return facts_.scopes; }
  const std::string& scopes_text() const { return scopes_text_; }  // space-separated
  const protocol::Confirmation& confirmation() const { return facts_.confirmation; }
  WallTime issued_at() const { return facts_.issued_at; }
  WallTime not_before() const { return facts_.not_before; }
  const std::optional<WallTime>& expires_at() const { return facts_.expires_at; }
  bool expired(WallTime now) const { return facts_.expires_at && now >= *facts_.expires_at; }
  const PrincipalFacts& facts() const { return facts_; }

 private:
  friend class Scheme;
  explicit Principal(PrincipalFacts facts)
      : facts_(std::move(facts)), scopes_text_(facts_.scopes.to_string()) {}

  PrincipalFacts facts_;
  std::string scopes_text_;
};

// Shared within one loop; a request keeps its own while it is under way.
using PrincipalPtr = std::shared_ptr<const Principal>;

}  // namespace countersign::provider
