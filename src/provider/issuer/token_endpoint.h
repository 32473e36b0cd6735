// The token endpoint (RFC 6749 §3.2, §4.4): authenticates the client, decides what it is granted,
// and answers with a token.
//
// Every decision has an id, which the answer carries, and an audit line that is in the file before
// the answer leaves: while the audit log cannot be written, or the record of revocations is stale,
// nothing is granted. Fails closed.

#pragma once

#include <optional>
#include <string>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/task.h"
#include "http/service.h"
#include "protocol/decision_id.h"
#include "protocol/token_messages.h"
#include "provider/audit/audit_log.h"
#include "provider/issuer/client_authentication.h"
#include "provider/issuer/token_factory.h"
#include "provider/issuer/token_refusal.h"
#include "provider/registry/registry_view.h"

namespace countersign::provider {

struct TokenEndpointOptions {
  TokenFactoryOptions tokens;
  std::string environment;
  size_t body_bytes_max =
      8 * 1024;  // a client assertion fits; nothing that a client has to say is longer
};

class TokenEndpoint final {
 public:
  // All references outlive the object.
  TokenEndpoint(TokenEndpointOptions options, const crypto::PrivateKey& key, RegistryView& registry,
                const protocol::Peppers& peppers, AuditLog& audit, const Clock& clock,
                Entropy& entropy);

  Task<void> serve(http::Exchange& exchange);

 private:
  // What is known of a request while it is decided; the audit line is written from it.
  struct Decision {
    protocol::DecisionId id;
    std::string client_id;  // claimed; proven once `method` is set
    std::string method;
    std::string credential_id;
    std::string scope;
    std::string token_id;
  };

  using Outcome = TokenVerdict<protocol::TokenGrant>;

  // Reads the request and decides; nullopt if the connection broke meanwhile.
  Task<std::optional<Outcome>> hear(http::Exchange& exchange, Decision& decision);
  // From the body's text to a token. No suspension: the registry's entries stay valid throughout.
  Outcome decide(const http::Exchange& exchange, std::string_view body, Decision& decision);
  Outcome grant(const AuthenticatedClient& client, const protocol::TokenRequest& request,
                WallTime now, Decision& decision) const;
  // Writes the audit line. False if it is not on disk: then the decision must not stand. All
  // arguments outlive the Task.
  Task<bool> record(const http::Exchange& exchange, const Decision& decision,
                    const TokenRefusal* refusal);
  Task<void> answer_grant(http::Exchange& exchange, const Decision& decision,
                          const protocol::TokenGrant& grant) const;
  Task<void> answer_refusal(http::Exchange& exchange, const Decision& decision,
                            const TokenRefusal& refusal) const;

  TokenEndpointOptions options_;
  RegistryView& registry_;
  AuditLog& audit_;
  const Clock& clock_;
  ClientAuthenticator authenticator_;
  TokenFactory factory_;
  protocol::DecisionIds decision_ids_;
};

}  // namespace countersign::provider
