#include "provider/issuer/client_authentication.h"

#include <utility>

#include "crypto/verified_peer.h"
#include "http/credentials.h"

namespace countersign::provider {

using protocol::OAuthError;
using protocol::Reason;

namespace {

std::unexpected<TokenRefusal> unproven(std::string_view private_detail) {
  return refuse(OAuthError::invalid_client, Reason::credential_unknown, private_detail);
}

std::unexpected<TokenRefusal> ambiguous(std::string_view private_detail) {
  return refuse(OAuthError::invalid_request, Reason::multiple_credentials, private_detail);
}

bool is_certificate_method(ClientAuthMethod method) {
  return method == ClientAuthMethod::tls_client_auth ||
         method == ClientAuthMethod::self_signed_tls_client_auth;
}

// RFC 6749 §2.3: a client uses one method per request. The certificate of the connection is not one
// by itself: every connection has one.
TokenVerdict<> check_one_method(const ClientEvidence& evidence) {
  const size_t fields = evidence.head.count("Authorization");
  const auto& request = evidence.request;
  const bool secret_in_body = !request.client_secret.empty();
  const bool assertion =
      !request.client_assertion.empty() || !request.client_assertion_type.empty();
  if (fields + (secret_in_body ? 1 : 0) + (assertion ? 1 : 0) > 1) {
    return ambiguous("more than one client authentication method");
  }
  if (assertion) {
    return refuse(OAuthError::invalid_client, Reason::authentication_method_not_allowed,
                  "client assertions are not accepted");
  }
  return {};
}

TokenVerdict<http::BasicCredentials> read_basic(std::string_view field_value) {
  const auto credentials = http::parse_credentials(field_value);
  if (!credentials) {
    return refuse(OAuthError::invalid_client, Reason::credential_malformed,
                  credentials.error().code);
  }
  if (!credentials->is("Basic")) {
    return refuse(OAuthError::invalid_client, Reason::scheme_not_accepted,
                  "Authorization is not Basic");
  }
  auto basic = http::parse_basic_credentials(credentials->token);
  if (!basic) {
    return refuse(OAuthError::invalid_client, Reason::credential_malformed, basic.error().code);
  }
  return *std::move(basic);
}

}  // namespace

ClientAuthenticator::ClientAuthenticator(const RegistryView& registry,
                                         const protocol::Peppers& peppers, std::string environment)
    : registry_(registry), peppers_(peppers), environment_(std::move(environment)) {}

TokenVerdict<ClientAuthenticator::Proven> ClientAuthenticator::prove_secret(
    std::string_view client_id, const Secret& secret, ClientAuthMethod method, WallTime now) const {
  const auto key = protocol::parse_client_secret(secret.unsafe_reveal_text());
  if (!key) {
    return refuse(OAuthError::invalid_client, Reason::credential_malformed, key.error().code);
  }
  const SecretPtr& entry = registry_.find_secret(key->id);
  const protocol::Pepper* pepper = entry ? peppers_.find(entry->pepper_version) : nullptr;
  // One MAC and one compare whether the secret is known or not: their time tells nothing.
  const protocol::KeyMac stored = pepper != nullptr ? entry->mac : protocol::KeyMac{};
  const bool matches =
      protocol::mac_matches(*key, pepper != nullptr ? *pepper : peppers_.newest(), stored);
  if (!entry) return unproven("no such secret");
  if (pepper == nullptr) return unproven("the secret's pepper is not configured");
  if (!matches) return unproven("the secret does not match");
  if (key->environment != environment_) return unproven("a secret of another environment");
  if (entry->client_id != client_id) return unproven("the secret is another client's");
  const ClientPtr& client = registry_.find_client(client_id);
  if (!client) return unproven("the secret's client is not registered");

  const bool cut_off =
      registry_.is_cut_off(SubjectKind::credential, entry->secret_id, entry->created_at);
  if (entry->revoked() || cut_off) return refuse(OAuthError::invalid_client, Reason::key_revoked);
  if (!entry->current(now)) return refuse(OAuthError::invalid_client, Reason::key_expired);
  return Proven{client, entry->secret_id, method};
}

TokenVerdict<ClientAuthenticator::Proven> ClientAuthenticator::prove_certificate(
    const ClientEvidence& evidence) const {
  const ClientPtr& client = registry_.find_client(evidence.request.client_id);
  if (evidence.peer.certificate == nullptr) {
    return refuse(OAuthError::invalid_client, Reason::credential_missing,
                  "neither a secret nor a client certificate");
  }
  if (!client) return unproven("no such client");
  if (!client->owns(evidence.peer.certificate->certificate())) {
    return unproven("the certificate is not the client's");
  }
  // RFC 8705 §2.2: this method registers certificates, not names.
  const bool by_thumbprint = client->auth_method == ClientAuthMethod::self_signed_tls_client_auth;
  if (by_thumbprint && client->thumbprints.empty()) return unproven("no certificate is registered");
  // A certificate alone proves a client that is registered for it; it does not stand in for a
  // secret.
  if (!is_certificate_method(client->auth_method)) {
    return refuse(OAuthError::invalid_client, Reason::authentication_method_not_allowed);
  }
  return Proven{client, {}, client->auth_method};
}

TokenVerdict<ClientAuthenticator::Proven> ClientAuthenticator::prove(
    const ClientEvidence& evidence) const {
  if (auto one = check_one_method(evidence); !one) return std::unexpected(std::move(one).error());
  const std::string& client_id = evidence.request.client_id;
  if (const http::Field* field = evidence.head.find("Authorization")) {
    auto basic = read_basic(field->value);
    if (!basic) return std::unexpected(std::move(basic).error());
    if (!client_id.empty() && client_id != basic->client_id) {
      return ambiguous("client_id differs from the Authorization field's");
    }
    return prove_secret(basic->client_id, basic->secret, ClientAuthMethod::client_secret_basic,
                        evidence.now);
  }
  if (client_id.empty()) {
    return refuse(OAuthError::invalid_client, Reason::credential_missing, "no client_id");
  }
  if (!evidence.request.client_secret.empty()) {
    return prove_secret(client_id, evidence.request.client_secret,
                        ClientAuthMethod::client_secret_post, evidence.now);
  }
  return prove_certificate(evidence);
}

// Where certificates are registered or tokens are to be bound, the connection must have one of the
// client's, whatever the method.
TokenVerdict<> ClientAuthenticator::check_certificate(const ClientEvidence& evidence,
                                                      const ClientEntry& client) const {
  if (!client.has_certificate_rules() && !client.certificate_bound_access_tokens) return {};
  if (evidence.peer.certificate == nullptr) {
    return refuse(OAuthError::invalid_client, Reason::certificate_missing);
  }
  const crypto::Certificate& certificate = evidence.peer.certificate->certificate();
  if (client.has_certificate_rules() && !client.owns(certificate)) {
    return refuse(OAuthError::invalid_client, Reason::certificate_not_registered);
  }
  // The handshake looked at the clock once; a kept-alive connection outlives that.
  if (evidence.now > certificate.not_after) {
    return refuse(OAuthError::invalid_client, Reason::certificate_expired);
  }
  if (registry_.is_cut_off(certificate.thumbprint, certificate.not_before)) {
    return refuse(OAuthError::invalid_client, Reason::certificate_revoked);
  }
  return {};
}

TokenVerdict<AuthenticatedClient> ClientAuthenticator::authenticate(
    const ClientEvidence& evidence) const {
  auto proven = prove(evidence);
  if (!proven) return std::unexpected(std::move(proven).error());
  const ClientEntry& client = *proven->client;
  if (!client.active()) return refuse(OAuthError::invalid_client, Reason::client_disabled);
  if (client.auth_method != proven->method) {
    return refuse(OAuthError::invalid_client, Reason::authentication_method_not_allowed);
  }
  if (!client.permits(evidence.peer.address.address)) {
    return refuse(OAuthError::invalid_client, Reason::network_not_allowed,
                  evidence.peer.address.address.to_string());
  }
  if (auto checked = check_certificate(evidence, client); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  AuthenticatedClient authenticated;
  authenticated.client_ = proven->client;
  authenticated.credential_id_ = std::move(proven->credential_id);
  // RFC 8705 §3.4: where the client asks for bound tokens. A client that proved itself by its
  // certificate always gets them: there is nothing that it could not do with a bound token.
  if (client.certificate_bound_access_tokens || is_certificate_method(client.auth_method)) {
    authenticated.bound_certificate_ = evidence.peer.certificate->certificate().thumbprint;
  }
  return authenticated;
}

std::string ClientAuthenticator::claimed_client_id(const ClientEvidence& evidence) {
  const http::Field* field = evidence.head.find("Authorization");
  if (field == nullptr) return evidence.request.client_id;
  const auto basic = read_basic(field->value);
  return basic ? basic->client_id : std::string();
}

}  // namespace countersign::provider
