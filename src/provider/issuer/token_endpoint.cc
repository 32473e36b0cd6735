#include "provider/issuer/token_endpoint.h"

#include <utility>
#include <vector>

#include "crypto/verified_peer.h"
#include "http/challenge.h"
#include "http/form.h"

namespace countersign::provider {

using protocol::OAuthError;
using protocol::Reason;

namespace {

// RFC 6749 §3.2: a POST whose parameters are in the body, and only there: what is in a URL is in
// everybody's log.
TokenVerdict<> check_envelope(const http::RequestHead& head) {
  if (head.method != "POST") return refuse(OAuthError::invalid_request, Reason::method_not_allowed);
  if (head.count("Content-Type") != 1 || !http::is_form_content_type(head.value("Content-Type"))) {
    return refuse(OAuthError::invalid_request, Reason::media_type_unsupported);
  }
  if (!head.query.empty()) {
    return refuse(OAuthError::invalid_request, Reason::request_malformed,
                  Error{.code = "oauth.parameters_in_query",
                        .public_text = "Parameters belong into the body.",
                        .private_detail = {}});
  }
  return {};
}

TokenVerdict<protocol::TokenRequest> read_request(std::string_view body, size_t bytes_max) {
  const auto form = http::parse_form(body, {.bytes_max = bytes_max});
  if (!form) {
    return refuse(OAuthError::invalid_request, Reason::request_malformed, form.error());
  }
  std::vector<protocol::Parameter> parameters;
  for (const auto& [name, value] : form->fields()) parameters.push_back({name, value});
  auto request = protocol::parse_token_request(parameters);
  if (request) return *std::move(request);
  const bool is_scope = request.error().code.starts_with("scope.");
  return refuse(is_scope ? OAuthError::invalid_scope : OAuthError::invalid_request,
                is_scope ? Reason::scope_not_allowed : Reason::request_malformed, request.error());
}

std::string description_of(const TokenRefusal& refusal) {
  if (!refusal.public_text.empty()) return refusal.public_text;
  const protocol::ReasonRow& row = protocol::row_of(refusal.denial.reason);
  return std::string(row.title).append(" ").append(row.advice);
}

// RFC 6749 §5.1: nothing on the way may keep it.
void add_common_fields(http::HeadWriter& writer, const protocol::DecisionId& id) {
  writer.field("Content-Type", "application/json");
  writer.field("Cache-Control", "no-store");
  writer.field("Pragma", "no-cache");
  writer.field(protocol::decision_id_field, id.text());
}

}  // namespace

TokenEndpoint::TokenEndpoint(TokenEndpointOptions options, const crypto::PrivateKey& key,
                             RegistryView& registry, const protocol::Peppers& peppers,
                             AuditLog& audit, const Clock& clock, Entropy& entropy)
    : options_(std::move(options)),
      registry_(registry),
      audit_(audit),
      clock_(clock),
      authenticator_(registry, peppers, options_.environment),
      factory_(options_.tokens, key, entropy),
      decision_ids_(entropy) {}

Task<void> TokenEndpoint::serve(http::Exchange& exchange) {
  Decision decision;
  decision.id = decision_ids_.next(clock_.wall_now());
  std::optional<Outcome> outcome = co_await hear(exchange, decision);
  if (!outcome) {
    exchange.abort();
    co_return;
  }
  if (!co_await record(exchange, decision, *outcome ? nullptr : &outcome->error())) {
    outcome = refuse(OAuthError::temporarily_unavailable, Reason::audit_unavailable);
  }
  if (*outcome) {
    co_await answer_grant(exchange, decision, **outcome);
  } else {
    co_await answer_refusal(exchange, decision, outcome->error());
  }
}

Task<std::optional<TokenEndpoint::Outcome>> TokenEndpoint::hear(http::Exchange& exchange,
                                                                Decision& decision) {
  if (auto envelope = check_envelope(exchange.request()); !envelope) {
    co_return Outcome(std::unexpected(std::move(envelope).error()));
  }
  auto body = co_await http::collect_body(exchange, options_.body_bytes_max);
  if (!body && body.error().kind == ErrorKind::too_large) {
    exchange.close_after_response();
    co_return Outcome(refuse(OAuthError::invalid_request, Reason::body_too_large));
  }
  if (!body) co_return std::nullopt;
  const Secret text = Secret::take(*std::move(body));  // a client secret may be in it
  co_return decide(exchange, text.unsafe_reveal_text(), decision);
}

TokenEndpoint::Outcome TokenEndpoint::decide(const http::Exchange& exchange, std::string_view body,
                                             Decision& decision) {
  auto request = read_request(body, options_.body_bytes_max);
  if (!request) return std::unexpected(std::move(request).error());
  const WallTime now = clock_.wall_now();
  const ClientEvidence evidence{exchange.request(), *request, exchange.peer(), now};
  decision.client_id = ClientAuthenticator::claimed_client_id(evidence);

  registry_.sync();
  if (registry_.is_stale(clock_.boot_now())) {
    return refuse(OAuthError::temporarily_unavailable, Reason::record_stale);
  }
  auto client = authenticator_.authenticate(evidence);
  if (!client) return std::unexpected(std::move(client).error());
  decision.method = store::name_of(client->method());
  decision.credential_id = client->credential_id();
  return grant(*client, *request, now, decision);
}

TokenEndpoint::Outcome TokenEndpoint::grant(const AuthenticatedClient& client,
                                            const protocol::TokenRequest& request, WallTime now,
                                            Decision& decision) const {
  if (request.grant_type.empty()) {
    return refuse(OAuthError::invalid_request, Reason::request_malformed,
                  Error{.code = "oauth.no_grant_type",
                        .public_text = "The parameter grant_type is missing.",
                        .private_detail = {}});
  }
  if (request.grant_type != protocol::client_credentials_grant) {
    return refuse(OAuthError::unsupported_grant_type, Reason::grant_type_unsupported);
  }
  // RFC 8707 §2: a resource that this issuer does not serve is refused, not passed over.
  for (const std::string& resource : request.resources) {
    if (resource != options_.tokens.audience) {
      return refuse(OAuthError::invalid_target, Reason::target_not_allowed, resource);
    }
  }
  // RFC 6749 §3.3: without a scope parameter the client is granted what it is registered for.
  const protocol::ScopeSet& allowed = client.client().scopes;
  const protocol::ScopeSet& scope = request.scope.empty() ? allowed : request.scope;
  if (!allowed.contains_all(scope)) {
    return refuse(OAuthError::invalid_scope, Reason::scope_not_allowed,
                  scope.without(allowed).to_string());
  }
  auto token = factory_.issue(client, scope, now);
  if (!token) {
    return refuse(OAuthError::server_error, Reason::internal_error, token.error().for_log());
  }
  decision.scope = scope.to_string();
  decision.token_id = std::move(token->token_id);
  return protocol::TokenGrant{.access_token = std::move(token->text),
                              .token_type = protocol::TokenType::bearer,
                              .expires_in = token->lifetime,
                              .scope = scope};
}

Task<bool> TokenEndpoint::record(const http::Exchange& exchange, const Decision& decision,
                                 const TokenRefusal* refusal) {
  AuditRecord line;
  line.event = AuditEvent::token;
  line.outcome = refusal == nullptr ? AuditOutcome::allow : AuditOutcome::deny;
  line.status = refusal == nullptr ? 200 : refusal->status();
  line.decision_id = decision.id.text();
  line.client = decision.client_id;
  line.scheme = decision.method;
  line.credential_id = decision.credential_id;
  line.scopes = decision.scope;
  line.token_id = decision.token_id;
  line.method = exchange.request().method;
  line.path = exchange.request().path;
  line.remote = &exchange.peer().address.address;
  if (exchange.peer().certificate != nullptr) {
    line.certificate_thumbprint = exchange.peer().certificate->certificate().thumbprint;
  }
  if (refusal != nullptr) {
    line.reason = protocol::code_of(refusal->denial.reason);
    line.detail = refusal->denial.private_detail;
  }
  const auto recorded = co_await audit_.record(line);
  co_return recorded.has_value();
}

Task<void> TokenEndpoint::answer_grant(http::Exchange& exchange, const Decision& decision,
                                       const protocol::TokenGrant& grant) const {
  const Secret body = Secret::take(protocol::write_token_response(grant));
  http::HeadWriter& writer =
      http::begin_own_response(exchange, 200, http::BodyFraming::of_length(body.size()));
  add_common_fields(writer, decision.id);
  // A failed send has closed the connection; the client asks again.
  (void)co_await exchange.send(body.unsafe_reveal_text(), /*last=*/true);
}

Task<void> TokenEndpoint::answer_refusal(http::Exchange& exchange, const Decision& decision,
                                         const TokenRefusal& refusal) const {
  const int status = refusal.status();
  const std::string body =
      protocol::write_oauth_error(refusal.error, description_of(refusal),
                                  protocol::code_of(refusal.denial.reason), decision.id.text());
  http::HeadWriter& writer =
      http::begin_own_response(exchange, status, http::BodyFraming::of_length(body.size()));
  add_common_fields(writer, decision.id);
  if (status == 401) {
    // RFC 6749 §5.2: the scheme with which a client may authenticate in the Authorization field.
    const http::Challenge challenge{
        .scheme = "Basic", .token68 = {}, .params = {{"realm", options_.tokens.issuer}}};
    writer.field("WWW-Authenticate", http::to_field_value(challenge));
  }
  if (status == 405) writer.field("Allow", "POST");
  if (status == 503) writer.field("Retry-After", uint64_t{1});
  // A failed send has closed the connection; nobody is left to be told.
  (void)co_await exchange.send(body, /*last=*/true);
}

}  // namespace countersign::provider
