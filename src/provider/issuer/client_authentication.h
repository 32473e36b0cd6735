// Client authentication at the token endpoint: client_secret_basic and client_secret_post (RFC 6749
// §2.3.1), tls_client_auth and self_signed_tls_client_auth (RFC 8705 §2). Exactly one of them per
// request, and only the one that the client is registered for.
//
// What the caller has not proven is not told to it: an unknown client, another client's secret, a
// wrong secret and a foreign certificate are one refusal (credential_unknown), and cost the same
// work. Only after the proof does a refusal say that the client is disabled, the secret revoked, or
// the network not registered. Everything here fails closed.

#pragma once

#include <optional>
#include <string>

#include "core/clock.h"
#include "crypto/digest.h"
#include "http/byte_stream.h"
#include "http/message.h"
#include "protocol/api_key.h"
#include "protocol/token_messages.h"
#include "provider/issuer/token_refusal.h"
#include "provider/registry/registry_view.h"

namespace countersign::provider {

// A client that proved who it is and may ask for tokens from where it is. Only ClientAuthenticator
// makes one.
class AuthenticatedClient final {
 public:
  const ClientEntry& client() const { return *client_; }
  ClientAuthMethod method() const { return client_->auth_method; }
  // The public id of the secret it proved; empty if it proved a certificate.
  const std::string& credential_id() const { return credential_id_; }
  // The certificate of the connection, if its tokens are to be bound to it.
  const std::optional<crypto::Sha256Digest>& bound_certificate() const {
    return bound_certificate_;
  }

 private:
  friend class ClientAuthenticator;
  AuthenticatedClient() = default;
  ClientPtr client_;
  std::string credential_id_;
  std::optional<crypto::Sha256Digest> bound_certificate_;
};

// What a token request shows of its sender.
struct ClientEvidence {
  const http::RequestHead& head;
  const protocol::TokenRequest& request;
  const http::PeerInfo& peer;
  WallTime now;
};

class ClientAuthenticator final {
 public:
  // Both references outlive the object. Secrets of another environment are unknown.
  ClientAuthenticator(const RegistryView& registry, const protocol::Peppers& peppers,
                      std::string environment);

  TokenVerdict<AuthenticatedClient> authenticate(const ClientEvidence& evidence) const;

  // Best effort, for the audit line of a refusal: the client id that was claimed, without any
  // proof, or empty.
  static std::string claimed_client_id(const ClientEvidence& evidence);

 private:
  // A client and what it proved; nothing else about it is checked yet.
  struct Proven {
    ClientPtr client;
    std::string credential_id;
    ClientAuthMethod method;
  };
  TokenVerdict<Proven> prove_secret(std::string_view client_id, const Secret& secret,
                                    ClientAuthMethod method, WallTime now) const;
  TokenVerdict<Proven> prove_certificate(const ClientEvidence& evidence) const;
  TokenVerdict<Proven> prove(const ClientEvidence& evidence) const;
  TokenVerdict<> check_certificate(const ClientEvidence& evidence, const ClientEntry& client) const;

  const RegistryView& registry_;
  const protocol::Peppers& peppers_;
  std::string environment_;
};

}  // namespace countersign::provider
