#include "consumer/token_source.h"

#include <utility>

#include "core/ascii.h"
#include "http/challenge.h"
#include "http/credentials.h"
#include "http/form.h"
#include "http/target.h"
#include "protocol/metadata.h"
#include "protocol/oauth_error.h"
#include "protocol/token_messages.h"

namespace countersign::consumer {
namespace {

std::unexpected<TokenFailure> transient(std::string_view code, std::string_view text,
                                        std::string_view detail = {}) {
  return std::unexpected(
      TokenFailure{.error = make_error(ErrorKind::unavailable, code, text, detail)});
}

std::unexpected<TokenFailure> transient(Error error) {
  return std::unexpected(TokenFailure{.error = std::move(error)});
}

std::string status_text(int status) {
  return "status " + std::to_string(status);
}

// RFC 6749 §5.1: application/json. A page of a proxy in between is not an issuer's answer, whatever
// it says.
bool is_json(std::string_view content_type) {
  const std::string_view type = ascii::trim(content_type.substr(0, content_type.find(';')));
  return ascii::equal_ignoring_case(type, "application/json");
}

}  // namespace

std::string_view name_of(ClientAuthMethod method) {
  switch (method) {
    case ClientAuthMethod::client_secret_basic:
      return "client_secret_basic";
    case ClientAuthMethod::tls_client_auth:
      return "tls_client_auth";
    case ClientAuthMethod::self_signed_tls_client_auth:
      return "self_signed_tls_client_auth";
  }
  panic("a ClientAuthMethod without a name");
}

OAuthTokenSource::OAuthTokenSource(http::Client& issuer_client, const Clock& clock,
                                   OAuthSourceOptions options)
    : client_(issuer_client), clock_(clock), options_(std::move(options)) {}

Task<std::expected<TokenGrant, TokenFailure>> OAuthTokenSource::fetch(FetchRequest request) {
  auto target = co_await token_target(request.deadline);
  if (!target) co_return std::unexpected(std::move(target).error());
  auto answer = co_await http::fetch(client_, token_request(*std::move(target)), request.deadline);
  if (!answer) co_return transient(std::move(answer).error());
  auto grant = read_answer(*answer);
  wipe(answer->body);
  co_return grant;
}

Task<std::expected<std::string, TokenFailure>> OAuthTokenSource::token_target(BootTime deadline) {
  if (!options_.token_path.empty()) co_return options_.token_path;
  if (!discovered_target_.empty()) co_return discovered_target_;
  auto path = protocol::well_known_path(options_.issuer);
  if (!path) co_return transient(std::move(path).error());
  auto answer = co_await http::fetch(client_,
                                     {.target = *std::move(path),
                                      .fields = {{"Accept", "application/json"}},
                                      .body = {},
                                      .response_bytes_max = options_.response_bytes_max},
                                     deadline);
  if (!answer) co_return transient(std::move(answer).error());
  auto target = read_metadata(*answer);
  if (target) discovered_target_ = *target;
  co_return target;
}

std::expected<std::string, TokenFailure> OAuthTokenSource::read_metadata(
    const http::SimpleResponse& answer) const {
  if (answer.status != 200 || !is_json(answer.value("Content-Type"))) {
    return transient("consumer.no_metadata", "the issuer gave no metadata",
                     status_text(answer.status));
  }
  auto metadata = protocol::parse_metadata(answer.body, options_.issuer);
  if (!metadata) return transient(std::move(metadata).error());
  const bool mutual_tls = options_.auth != ClientAuthMethod::client_secret_basic;
  const auto issuer = http::parse_url(options_.issuer);
  const auto endpoint = http::parse_url(metadata->token_endpoint_for(mutual_tls));
  // The connection was made to the configured issuer and verified as that; a credential goes
  // nowhere else.
  if (!issuer || !endpoint || endpoint->origin() != issuer->origin()) {
    return transient("consumer.token_endpoint_elsewhere",
                     "the issuer's metadata names a token endpoint at another host");
  }
  return endpoint->target();
}

http::SimpleRequest OAuthTokenSource::token_request(std::string target) const {
  http::SimpleRequest request{.method = "POST",
                              .target = std::move(target),
                              .fields = {{"Content-Type", std::string(http::form_content_type)},
                                         {"Accept", "application/json"}},
                              .body = {},
                              .response_bytes_max = options_.response_bytes_max};
  http::append_form_field(request.body, "grant_type", protocol::client_credentials_grant);
  if (options_.auth == ClientAuthMethod::client_secret_basic) {
    const Secret basic = http::basic_credentials(options_.client_id, options_.client_secret);
    request.fields.emplace_back("Authorization", basic.unsafe_reveal_text());
  } else {
    http::append_form_field(request.body, "client_id", options_.client_id);
  }
  std::string scope;
  for (const std::string& name : options_.scopes) {
    if (!scope.empty()) scope += ' ';
    scope += name;
  }
  if (!scope.empty()) http::append_form_field(request.body, "scope", scope);
  if (!options_.resource.empty()) {
    http::append_form_field(request.body, "resource", options_.resource);
  }
  return request;
}

std::expected<TokenGrant, TokenFailure> OAuthTokenSource::read_answer(
    const http::SimpleResponse& answer) const {
  if (answer.status != 200) return std::unexpected(read_refusal(answer));
  if (!is_json(answer.value("Content-Type"))) {
    return transient("consumer.token_answer_not_json", "the issuer's answer is not JSON");
  }
  auto response = protocol::parse_token_response(answer.body);
  if (!response) return transient(std::move(response).error());
  if (response->token_type != protocol::TokenType::bearer) {
    return transient("consumer.token_type_not_bearer", "the issuer's token is not a bearer token");
  }
  TokenGrant grant{.access_token = std::move(response->access_token), .lifetime = {}};
  switch (response->expires_in.kind) {
    case protocol::ExpiresIn::Kind::given:
    case protocol::ExpiresIn::Kind::capped:
      grant.lifetime = response->expires_in.seconds;
      break;
    case protocol::ExpiresIn::Kind::missing:
    case protocol::ExpiresIn::Kind::malformed:
      break;  // the slot assumes a short life
    case protocol::ExpiresIn::Kind::not_positive:
      return transient("consumer.token_ended_on_arrival",
                       "the issuer's token has no lifetime left");
  }
  return grant;
}

TokenFailure OAuthTokenSource::read_refusal(const http::SimpleResponse& answer) const {
  TokenFailure failure{.error = make_error(ErrorKind::unavailable, "consumer.issuer_unavailable",
                                           "the issuer gave no token", status_text(answer.status))};
  const std::string_view wait = answer.value("Retry-After");
  if (const auto seconds = http::parse_retry_after(wait, clock_.wall_now())) {
    failure.retry_after = *seconds;
  }
  // RFC 6749 §5.2: errors come as 400 or 401. From any other status the same words are a proxy's or
  // a mistake.
  const bool is_verdict = answer.status == 400 || answer.status == 401 || answer.status == 403;
  if (!is_verdict || !is_json(answer.value("Content-Type"))) return failure;
  const auto refusal = protocol::parse_oauth_error_response(answer.body);
  if (!refusal || refusal->error == protocol::OAuthError::other) return failure;
  const protocol::OAuthErrorRow& row = protocol::row_of(refusal->error);
  if (row.may_pass) return failure;
  failure.permanent = true;
  failure.error = make_error(ErrorKind::misconfigured, "consumer.issuer_refuses_client",
                             "the issuer refuses this client as it is configured", row.code);
  return failure;
}

}  // namespace countersign::consumer
